/* CPU quotas read from made-up trees: what /proc and /sys look like here and there, and garbage. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "platform/linux/cgroup.h"

static char root[] = "/tmp/tally-cgroup-XXXXXX";

static int remove_one(const char *name, const struct stat *status, int kind, struct FTW *place)
{
	(void)status;
	(void)kind;
	return place->level == 0 ? 0 : remove(name);
}

static void empty_tree(void)
{
	assert_int_equal(nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

/* Writes a file of the tree, and the folders it is in. */
static void put_bytes(const char *name, const char *bytes, size_t count)
{
	char path[2 * PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s%s", root, name);
	for (char *at = path + strlen(root) + 1; (at = strchr(at, '/')); at++) {
		*at = '\0';
		assert_true(mkdir(path, 0700) == 0 || errno == EEXIST);
		*at = '/';
	}
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, count), (ssize_t)count);
	close(fd);
}

static void put(const char *name, const char *text)
{
	put_bytes(name, text, strlen(text));
}

/* A machine of version 2, as systemd sets it up, with this process in /a/b/c. */
static void put_v2(void)
{
	empty_tree();
	put("/proc/self/cgroup", "0::/a/b/c\n");
	put("/proc/self/mountinfo", "21 27 0:20 / /sys rw,nosuid shared:7 - sysfs sysfs rw\n"
				    "22 27 0:21 / /proc rw,nosuid - proc proc rw\n"
				    "31 21 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - "
				    "cgroup2 cgroup2 rw,nsdelegate\n");
}

/* One of version 1, with this process in /docker/x. */
static void put_v1(const char *quota, const char *period)
{
	empty_tree();
	put("/proc/self/cgroup",
	    "12:memory:/docker/x\n5:cpuset:/other\n4:cpu,cpuacct:/docker/x\n1:name=systemd:/y\n");
	put("/proc/self/mountinfo", "29 25 0:25 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
				    "30 25 0:26 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:10 master:3 - "
				    "cgroup cgroup rw,cpu,cpuacct\n");
	put("/sys/fs/cgroup/cpu,cpuacct/docker/x/cpu.cfs_quota_us", quota);
	put("/sys/fs/cgroup/cpu,cpuacct/docker/x/cpu.cfs_period_us", period);
}

static int cpus(void)
{
	int result;

	errno = 77;
	result = tally__cgroup_cpus(root);
	assert_int_equal(errno, 77);
	return result;
}

static void no_tree_is_no_limit(void **state)
{
	(void)state;
	empty_tree();
	assert_int_equal(cpus(), 0);
	put("/proc/self/cgroup", "0::/a/b/c\n");
	assert_int_equal(cpus(), 0);
	put("/proc/self/mountinfo", "");
	assert_int_equal(cpus(), 0);
	put_v2();
	assert_int_equal(cpus(), 0);
}

static void quotas_are_rounded_up(void **state)
{
	static const struct {
		const char *text;
		int cpus;
	} cases[] = {
		{"max 100000\n", 0},
		{"100000 100000\n", 1},
		{"100001 100000\n", 2},
		{"150000 100000\n", 2},
		{"200000 100000\n", 2},
		{"1000 100000\n", 1},
		{"50000 50000", 1},
		{"400000 50000\n", 8},
		{"12800000 100000\n", 128},
		{"0 100000\n", 1},
		{"1000000000000000 1000\n", INT_MAX},
		{"9223372036854775807 1\n", INT_MAX},
	};

	(void)state;
	put_v2();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		put("/sys/fs/cgroup/a/b/c/cpu.max", cases[i].text);
		assert_int_equal(cpus(), cases[i].cpus);
	}
}

static void the_smallest_of_all_above_counts(void **state)
{
	static const char *const folders[] = {"/a/b/c", "/a/b", "/a", ""};
	char name[64];

	(void)state;
	for (int least = 0; least < 4; least++) {
		put_v2();
		for (int i = 0; i < 4; i++) {
			snprintf(name, sizeof(name), "/sys/fs/cgroup%s/cpu.max", folders[i]);
			put(name, i == least ? "300000 100000\n" : i % 2 ? "max 100000\n" : "700000 100000\n");
		}
		assert_int_equal(cpus(), 3);
	}
	/* Nothing above the mount is looked at, and nothing beside the way. */
	put_v2();
	put("/sys/fs/cgroup/a/b/c/cpu.max", "500000 100000\n");
	put("/sys/fs/cpu.max", "100000 100000\n");
	put("/sys/fs/cgroup/a/b/other/cpu.max", "100000 100000\n");
	put("/sys/fs/cgroup/a/b/c/d/cpu.max", "100000 100000\n");
	assert_int_equal(cpus(), 5);
}

static void the_root_group_has_its_limit(void **state)
{
	(void)state;
	put_v2();
	put("/proc/self/cgroup", "0::/\n");
	put("/sys/fs/cgroup/cpu.max", "200000 100000\n");
	assert_int_equal(cpus(), 2);
}

static void version_1_has_two_files(void **state)
{
	(void)state;
	put_v1("250000\n", "100000\n");
	assert_int_equal(cpus(), 3);
	put_v1("-1\n", "100000\n");
	assert_int_equal(cpus(), 0);
	put_v1("250000\n", "0\n");
	assert_int_equal(cpus(), 0);
	put("/sys/fs/cgroup/cpu,cpuacct/docker/cpu.cfs_quota_us", "100000\n");
	put("/sys/fs/cgroup/cpu,cpuacct/docker/cpu.cfs_period_us", "50000\n");
	assert_int_equal(cpus(), 2);
	/* A quota without a period says nothing. */
	put_v1("250000\n", "");
	assert_int_equal(cpus(), 0);
}

/* Without a namespace of its own, a container sees the host's path, and a mount of its own part of the tree. */
static void a_mount_of_a_part_of_the_tree_is_understood(void **state)
{
	(void)state;
	put_v1("250000\n", "100000\n");
	put("/proc/self/mountinfo",
	    "30 25 0:26 /docker/x /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n");
	put("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "400000\n");
	put("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
	assert_int_equal(cpus(), 4);
	put("/proc/self/cgroup", "4:cpu:/docker/x/inner\n");
	put("/sys/fs/cgroup/cpu/inner/cpu.cfs_quota_us", "100000\n");
	put("/sys/fs/cgroup/cpu/inner/cpu.cfs_period_us", "100000\n");
	assert_int_equal(cpus(), 1);
	/* /docker/xy is not in /docker/x. */
	put("/proc/self/cgroup", "4:cpu:/docker/xy\n");
	put("/sys/fs/cgroup/cpuy/cpu.cfs_quota_us", "100000\n");
	put("/sys/fs/cgroup/cpuy/cpu.cfs_period_us", "100000\n");
	assert_int_equal(cpus(), 0);
}

static void both_versions_at_once_give_the_smaller(void **state)
{
	(void)state;
	for (int v1_less = 0; v1_less <= 1; v1_less++) {
		put_v1(v1_less ? "200000\n" : "500000\n", "100000\n");
		put("/proc/self/cgroup", "4:cpu:/docker/x\n0::/u\n");
		put("/proc/self/mountinfo",
		    "30 25 0:26 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu\n"
		    "31 25 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
		put("/sys/fs/cgroup/unified/u/cpu.max", "300000 100000\n");
		assert_int_equal(cpus(), v1_less ? 2 : 3);
	}
}

static void names_with_blanks_are_found(void **state)
{
	(void)state;
	empty_tree();
	put("/proc/self/cgroup", "0::/my group/with:colon\n");
	put("/proc/self/mountinfo", "31 21 0:26 /my\\040group /mnt/c\\134g\\011x rw - cgroup2 none rw\n");
	put("/mnt/c\\g\tx/with:colon/cpu.max", "600000 100000\n");
	assert_int_equal(cpus(), 6);
}

static void a_group_outside_our_view_has_no_limit(void **state)
{
	(void)state;
	put_v2();
	put("/sys/fs/cgroup/cpu.max", "100000 100000\n");
	put("/sys/fs/cpu.max", "100000 100000\n");
	put("/proc/self/cgroup", "0::/../other\n");
	assert_int_equal(cpus(), 0);
	put("/proc/self/cgroup", "0::/..\n");
	assert_int_equal(cpus(), 0);
}

static void the_mount_that_shows_the_group_is_taken(void **state)
{
	(void)state;
	put_v2();
	put("/proc/self/mountinfo", "31 21 0:26 /elsewhere /one rw - cgroup2 cgroup2 rw\n"
				    "32 21 0:26 /a /two rw - cgroup2 cgroup2 rw\n"
				    "33 21 0:26 / /three rw - cgroup2 cgroup2 rw\n");
	put("/one/b/c/cpu.max", "100000 100000\n");
	put("/two/b/c/cpu.max", "200000 100000\n");
	put("/three/a/b/c/cpu.max", "300000 100000\n");
	assert_int_equal(cpus(), 2);
}

static void garbage_in_a_limit_is_no_limit(void **state)
{
	static const char *const texts[] = {
		"",
		"\n",
		" ",
		"max",
		"max max\n",
		"100000\n",
		"100000 \n",
		" 100000 100000\n",
		"100000  100000\n",
		"-100000 100000\n",
		"100000 -100000\n",
		"100000 0\n",
		"1e5 100000\n",
		"100000x 100000\n",
		"0x10 100000\n",
		"99999999999999999999999999 100000\n",
		"100000 99999999999999999999999999\n",
		"18446744073709551616 100000\n",
		"\n100000 100000\n",
		"100000\t100000\n",
	};

	(void)state;
	put_v2();
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		put("/sys/fs/cgroup/a/b/c/cpu.max", texts[i]);
		if (cpus() != 0)
			print_error("%s\n", texts[i]);
		assert_int_equal(cpus(), 0);
	}
	put_bytes("/sys/fs/cgroup/a/b/c/cpu.max", "1\0000000 100000", 14);
	assert_int_equal(cpus(), 0);
}

static void garbage_before_the_right_line_is_passed_over(void **state)
{
	static const char *const cgroups[] = {"",
					      "\n",
					      ":\n",
					      "::\n",
					      "0:\n",
					      "0\n",
					      "0::\n",
					      "0::relative\n",
					      "1::/x\n",
					      "00::/x\n",
					      "2:cpufreq:/x\n",
					      "2:xcpu,:/x\n"};
	static const char *const mounts[] = {
		"",
		"\n",
		" - \n",
		"-\n",
		"1 2 3 4\n",
		"1 2 3 / /x\n",
		"1 2 3 / /x rw\n",
		"1 2 3 / /x rw -\n",
		"1 2 3 / /x rw - \n",
		"1 2 3 / /x rw - cgroup2\n",
		"1 2 3 / /x rw - cgroup2 \n",
		"1 2 3 / /x rw - cgroup22 x rw\n",
		"1 2 3 / /x rw cgroup2 cgroup2 rw\n",
		"1 2 3 /\\ /x rw - cgroup2 x rw\n",
		"1 2 3 /\\04 /x rw - cgroup2 x rw\n",
		"1 2 3 /\\777 /x rw - cgroup2 x rw\n",
	};
	char text[512];

	(void)state;
	empty_tree();
	put("/c/g/cpu.max", "400000 100000\n");
	put("/x/g/cpu.max", "100000 100000\n");
	for (size_t i = 0; i < sizeof(cgroups) / sizeof(cgroups[0]); i++) {
		for (size_t k = 0; k < sizeof(mounts) / sizeof(mounts[0]); k++) {
			snprintf(text, sizeof(text), "%s0::/g", cgroups[i]); /* and no newline at the end */
			put("/proc/self/cgroup", text);
			snprintf(text, sizeof(text), "%s31 21 0:26 / /c rw - cgroup2 cgroup2 rw", mounts[k]);
			put("/proc/self/mountinfo", text);
			if (cpus() != 4)
				print_error("%s%s", cgroups[i], mounts[k]);
			assert_int_equal(cpus(), 4);
		}
	}
}

/* Lines and paths around the size that is looked at. */
static void lines_that_are_too_long_are_passed_over(void **state)
{
	static char text[16384];

	(void)state;
	put_v2();
	for (size_t length = 4085; length < 4105; length++) {
		put("/sys/fs/cgroup/a/b/c/cpu.max", "300000 100000\n");
		memset(text, 'o', length);
		snprintf(text + length, sizeof(text) - length,
			 "\n31 21 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
		put("/proc/self/mountinfo", text);
		assert_int_equal(cpus(), 3);
		snprintf(text, sizeof(text), "0::/%0*d\n", (int)length, 0);
		put("/proc/self/cgroup", text);
		assert_int_equal(cpus(), 0);
		snprintf(text, sizeof(text), "0::/%0*d\n0::/a/b/c\n", 4100, 0);
		put("/proc/self/cgroup", text);
		assert_int_equal(cpus(), 3);
	}
	/* A tree deeper than any path. */
	put_v2();
	memcpy(text, "0::", 3);
	for (size_t i = 0; i < 2000; i++)
		memcpy(text + 3 + 2 * i, "/a", 3);
	put("/proc/self/cgroup", text);
	put("/sys/fs/cgroup/a/cpu.max", "200000 100000\n");
	assert_int_equal(cpus(), 2);
}

static void folders_in_the_place_of_files_are_no_limit(void **state)
{
	(void)state;
	put_v2();
	put("/sys/fs/cgroup/a/b/c/cpu.max/in", "100000 100000\n");
	assert_int_equal(cpus(), 0);
	empty_tree();
	put("/proc/self/cgroup/in", "0::/\n");
	put("/proc/self/mountinfo/in", "31 21 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
	assert_int_equal(cpus(), 0);
}

static void bytes_at_random_do_no_harm(void **state)
{
	static const char *const files[] = {"/proc/self/cgroup", "/proc/self/mountinfo", "/c/g/cpu.max"};
	static const char alphabet[] = "0123456789 /:-.,\\\n\n  cgroup2maxu";
	uint64_t random = 0x9e3779b97f4a7c15; /* the same each time */
	char text[600];

	(void)state;
	empty_tree();
	for (int i = 0; i < 3000; i++) {
		size_t length;

		random = random * 6364136223846793005 + 1442695040888963407;
		length = (size_t)(random >> 40) % sizeof(text);
		for (size_t k = 0; k < length; k++) {
			random = random * 6364136223846793005 + 1442695040888963407;
			text[k] = random >> 60 ? alphabet[(random >> 40) % (sizeof(alphabet) - 1)]
					       : (char)(random >> 33);
		}
		put_bytes(files[i % 3], text, length);
		assert_true(cpus() >= 0);
	}
}

static void no_descriptor_is_left_open(void **state)
{
	int before = dup(0), after;

	(void)state;
	close(before);
	put_v2();
	put("/sys/fs/cgroup/a/b/c/cpu.max", "100000 100000\n");
	cpus();
	put_v1("100000\n", "x\n");
	cpus();
	put("/proc/self/mountinfo", "x\n");
	cpus();
	after = dup(0);
	close(after);
	assert_int_equal(before, after);
}

static int make_root(void **state)
{
	(void)state;
	return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state)
{
	(void)state;
	empty_tree();
	return rmdir(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_tree_is_no_limit),
		cmocka_unit_test(quotas_are_rounded_up),
		cmocka_unit_test(the_smallest_of_all_above_counts),
		cmocka_unit_test(the_root_group_has_its_limit),
		cmocka_unit_test(version_1_has_two_files),
		cmocka_unit_test(a_mount_of_a_part_of_the_tree_is_understood),
		cmocka_unit_test(both_versions_at_once_give_the_smaller),
		cmocka_unit_test(names_with_blanks_are_found),
		cmocka_unit_test(a_group_outside_our_view_has_no_limit),
		cmocka_unit_test(the_mount_that_shows_the_group_is_taken),
		cmocka_unit_test(garbage_in_a_limit_is_no_limit),
		cmocka_unit_test(garbage_before_the_right_line_is_passed_over),
		cmocka_unit_test(lines_that_are_too_long_are_passed_over),
		cmocka_unit_test(folders_in_the_place_of_files_are_no_limit),
		cmocka_unit_test(bytes_at_random_do_no_harm),
		cmocka_unit_test(no_descriptor_is_left_open),
	};

	return cmocka_run_group_tests(tests, make_root, remove_root);
}
