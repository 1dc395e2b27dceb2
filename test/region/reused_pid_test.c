/* Process ids are used again: a process that has the id of a dead one is not taken for it, by itself or by
 * others, and the slots of the dead one are free. The kernel is asked for the very id, which takes
 * CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE. */
#include "file.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/syscall.h>
#include <tally/counter.h>
#include <tally/region.h>

#include "region/region.h"

TALLY_COUNTER(counter, "test_reused_pid_total", "Counted by the dead and by their successors.");

/* Programs that this one executes itself as: TEST_ROLE says which. They report on standard output that they are
 * so far, and wait for the end of their standard input. */
struct process {
	pid_t pid;
	int to, from;
};

static void wait_to_be_ended(void)
{
	char byte;

	CHECK(write(STDOUT_FILENO, "", 1) == 1);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		continue;
}

static void role_count(uint32_t used)
{
	tally_counter_add(&counter, 1);
	CHECK_EQUAL(tally__slots_used(&tally__region.slots), used);
	wait_to_be_ended();
}

/* A child with this process id, or any for 0; or -1 if the kernel does not allow that. Without fork handlers,
 * as it executes another program at once. */
static pid_t fork_as(pid_t pid)
{
	struct clone_args how = {.exit_signal = SIGCHLD};

	if (pid != 0) {
		how.set_tid = (uint64_t)(uintptr_t)&pid;
		how.set_tid_size = 1;
	}
	return (pid_t)syscall(SYS_clone3, &how, sizeof(how));
}

static bool start(struct process *process, pid_t pid, const char *role)
{
	int in[2], out[2];
	char byte;

	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	setenv("TEST_ROLE", role, 1);
	/* Each starts at another tick of the kernel's clock. */
	pause_for(30000000);
	process->pid = fork_as(pid);
	if (process->pid == 0) {
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		execl("/proc/self/exe", "reused_pid_test", (char *)NULL);
		_exit(1);
	}
	close(in[0]);
	close(out[1]);
	process->to = in[1];
	process->from = out[0];
	if (process->pid < 0) {
		close(in[1]);
		close(out[0]);
		return false;
	}
	if (pid != 0)
		assert_int_equal(process->pid, pid);
	assert_int_equal(read(process->from, &byte, 1), 1);
	return true;
}

static void end(struct process *process, int number)
{
	int status;

	if (number != 0)
		assert_int_equal(kill(process->pid, number), 0);
	close(process->to);
	close(process->from);
	assert_int_equal(waitpid(process->pid, &status, 0), process->pid);
	assert_int_equal(status, number);
}

static void slots_of_the_dead_are_told_from_their_successors(void **state)
{
	struct process dead, successor, other, third;
	int ends[2];
	pid_t holder;

	(void)state;
	setenv("TALLY_REGION", file_path("reused"), 1);
	/* So that none of them finds itself alone, which frees all slots. */
	holder = file_hold(file_path("reused"), ends);

	/* The successor itself takes the slot of the dead. */
	assert_true(start(&dead, 0, "count 2"));
	end(&dead, SIGKILL);
	if (!start(&successor, dead.pid, "count 2")) {
		file_let_go(holder, ends);
		print_message("the kernel gives no process the id that is asked for: skipped\n");
		skip();
	}
	/* It lives, so its slot is its own. */
	assert_true(start(&other, 0, "count 3"));
	end(&other, SIGKILL);
	assert_true(start(&other, 0, "count 3"));
	end(&other, 0);
	end(&successor, SIGKILL);

	/* The successor lives and does not count: another takes the slot of the dead. */
	assert_true(start(&successor, dead.pid, "idle"));
	assert_true(start(&other, 0, "count 3"));
	assert_true(start(&third, 0, "count 3"));
	end(&other, 0);
	end(&third, 0);
	end(&successor, 0);

	assert_true(start(&successor, dead.pid, "expect 6"));
	end(&successor, 0);
	file_let_go(holder, ends);
}

static int play(const char *role)
{
	if (strcmp(role, "idle") == 0)
		wait_to_be_ended();
	else if (strncmp(role, "count ", 6) == 0)
		role_count((uint32_t)atoi(role + 6));
	else if (strncmp(role, "expect ", 7) == 0) {
		CHECK_EQUAL(tally_counter_load(&counter), atoi(role + 7));
		wait_to_be_ended();
	}
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slots_of_the_dead_are_told_from_their_successors),
	};

	if (getenv("TEST_ROLE"))
		return play(getenv("TEST_ROLE"));
	return cmocka_run_group_tests(tests, file_set_up, file_tear_down);
}
