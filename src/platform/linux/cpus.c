/* How many CPUs Linux lets this process use. */
#include "platform/cpus.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "platform/linux/cgroup.h"
#include "platform/pages.h"

/* The CPUs in the calling thread's mask, asked for with so many bytes; 0: the mask is longer. -errno. */
static int count_in_mask(unsigned long *mask, size_t bytes)
{
	/* The call itself, since it tells how many bytes it has written; C libraries hide that. */
	long written = syscall(SYS_sched_getaffinity, 0, bytes, mask);
	int count = 0;

	if (written < 0)
		return errno == EINVAL ? 0 : -errno;
	for (size_t i = 0; i < (size_t)written / sizeof(mask[0]); i++)
		count += __builtin_popcountl(mask[i]);
	return count;
}

int tally__cpus_in_affinity(size_t bytes)
{
	unsigned long
		here[128]; /* 8,192 CPUs where long has 64 bits: as many as Linux can be built for today */
	int saved = errno;
	int count = 0;

	if (bytes <= sizeof(here))
		count = count_in_mask(here, bytes);
	while (count == 0 && bytes < (size_t)1 << 24) {
		unsigned long *more;

		bytes *= 2;
		more = tally__pages_map(bytes);
		if (!more)
			break;
		count = count_in_mask(more, bytes);
		tally__pages_unmap(more, bytes);
	}
	if (count <= 0) { /* a filter forbids to ask */
		long online = sysconf(_SC_NPROCESSORS_ONLN);

		count = online < 1 || online > INT_MAX ? 1 : (int)online;
	}
	errno = saved;
	return count;
}

int tally__cpus_in_mask(void)
{
	return tally__cpus_in_affinity(1024);
}

int tally__cpus_usable(void)
{
	int count = tally__cpus_in_mask();
	int quota = tally__cgroup_cpus("");

	return quota != 0 && quota < count ? quota : count;
}
