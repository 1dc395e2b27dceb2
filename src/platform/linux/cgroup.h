/* platform/linux/cgroup.h - the CPU quota of a cgroup; for linux/cpus.c and the tests. */
#ifndef TALLY_PLATFORM_LINUX_CGROUP_H_
#define TALLY_PLATFORM_LINUX_CGROUP_H_

#include <stddef.h>

/* The smallest CPU quota on this process by its cgroup and all above it, version 1 or 2, in whole CPUs rounded
 * up; 0 where there is none. All files are looked for below the folder `root`; "" is the real thing. */
int tally__cgroup_cpus(const char *root);

/* The CPUs in the calling thread's affinity mask, at least 1. `bytes` is the size of mask to try first. */
int tally__cpus_in_affinity(size_t bytes);

#endif
