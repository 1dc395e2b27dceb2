/* view/list.c - the processes that count, and what the errors of a view mean. */
#include <errno.h>
#include <string.h>
#include <tally/view.h>

#include "platform/foreign.h"

struct listing {
	int (*visit)(int pid, void *arg);
	void *arg;
};

static int visit_if_it_counts(int pid, void *arg)
{
	struct listing *listing = arg;
	return tally__foreign_has_region(pid) ? listing->visit(pid, listing->arg) : 0;
}

int tally_view_list(int (*visit)(int pid, void *arg), void *arg)
{
	struct listing listing = {visit, arg};
	return tally__foreign_processes(visit_if_it_counts, &listing);
}

const char *tally_view_error(int error)
{
	switch (error) {
	case 0:
		return "no error";
	case -ESRCH:
		return "there is no such process";
	case -ENOENT:
		return "there is no such file";
	case -EACCES:
		return "the kernel does not let this user look at it: try as its user, or as root";
	case -EPERM:
		return "the process has closed the descriptor of its counters: CAP_SYS_ADMIN or "
		       "CAP_CHECKPOINT_RESTORE is needed to open them (try as root), or let it count into a "
		       "file "
		       "(TALLY_REGION=path)";
	case -ENODATA:
		return "there are no counters of tally in it";
	case -EBADMSG:
		return "its counters are damaged: the region breaks its own format";
	case -EPROTONOSUPPORT:
		return "its counters are of another version of the format: use a newer tally";
	case -EAGAIN:
		return "its counters are just being made: try again";
	case -EIO:
		return "cannot write all of it";
	case -ENOMEM:
		return "no memory";
	default:
		return strerror(-error);
	}
}
