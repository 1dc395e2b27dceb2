/* test/include/refuse.h - a kernel that refuses a call. */
#ifndef TALLY_TEST_REFUSE_H_
#define TALLY_TEST_REFUSE_H_

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

/* From here on the kernel answers the call with the error; with argument >= 0 only where the low half of that
 * argument is `value`. Not where an emulator stands between. */
static inline void refuse(long call, int error, int argument, uint32_t value)
{
	struct sock_filter any[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(offsetof(struct seccomp_data, args) +
							      8 * (argument < 0 ? 0 : (size_t)argument))),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, (argument >= 0)),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(any) / sizeof(any[0]), any};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0L, 0L, 0L) != 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
		abort();
}

#endif
