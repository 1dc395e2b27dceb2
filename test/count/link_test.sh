#!/bin/sh
# Counters in programs of every make: C and C++, linked statically and not, optimised by the linker, in libraries
# that are loaded and unloaded while threads live.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
include="-I$TALLY_SOURCE/include"
static="$TALLY_BUILD/libtally.a"
shared="-L$TALLY_BUILD -ltally -Wl,-rpath,$TALLY_BUILD"

# A library with metrics of its own, and one that it has in common with the program.
cat >part.h <<'H'
#include <tally/counter.h>
#ifdef __cplusplus
extern "C" {
#endif
extern tally_counter part_visible;
void part_count(int times);
uint64_t part_common(void);
#ifdef __cplusplus
}
#endif
H
cat >part.c <<'C'
#include "part.h"
TALLY_COUNTER(part_visible, "part_visible_total", "Seen by the program.");
static TALLY_COUNTER(common, "common_total", "Counted by both.");
static TALLY_UPDOWN(open_now, "part_open", "An up-down counter.");
TALLY_GAUGE(part_level, "part_level", "A gauge.");
void part_count(int times)
{
	static tally_counter anonymous;

	for (int i = 0; i < times; i++) {
		tally_counter_inc(&part_visible);
		tally_counter_inc(&common);
		tally_counter_inc(&anonymous);
		tally_updown_add(&open_now, 2);
		tally_updown_sub(&open_now, 1);
	}
	tally_gauge_set(&part_level, times);
	if (tally_updown_load(&open_now) < 0 || tally_counter_load(&anonymous) < (uint64_t)times)
		__builtin_abort();
}
uint64_t part_common(void)
{
	return tally_counter_load(&common);
}
C
cat >main.c <<'C'
#include "part.h"
#include <pthread.h>
#include <stdio.h>
static TALLY_COUNTER(common, "common_total", "Counted by both.");
/* Before any constructor of the library or of this file: it registers on the spot. */
__attribute__((constructor(101))) static void count_early(void)
{
	tally_counter_add(&common, 1000);
}
static void *count(void *arg)
{
	for (int i = 0; i < 1000; i++)
		tally_counter_inc(&common);
	part_count(1000);
	return arg;
}
int main(void)
{
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, count, NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	printf("%d %d %d\n", (int)tally_counter_load(&common), (int)part_common(),
	       (int)tally_counter_load(&part_visible));
	return 0;
}
C
wanted='9000 9000 4000'

# gives TEXT COMMAND...: the command prints that.
gives() {
	text=$1
	shift
	if ! said=$("$@" 2>&1) || [ "$said" != "$text" ]; then
		echo "$about: '$said', not '$text'"
		exit 1
	fi
}

# The C++ sees what C++ sees: classes, namespaces, destructors of static and thread-local objects.
cat >main.cc <<'C'
#include "part.h"
#include <cstdio>
#include <thread>
#include <vector>
namespace shop {
static TALLY_COUNTER(common, "common_total", "Counted by both.");
TALLY_UPDOWN(open_now, "shop_open", "Open.");
}
struct counted {
	tally_counter hits = {};
	~counted() { tally_counter_destroy(&hits); }
};
struct last_words {
	~last_words() { tally_counter_inc(&shop::common); }
};
static counted *object;
static void count()
{
	static thread_local last_words words;
	(void)words;
	for (int i = 0; i < 999; i++)
		tally_counter_inc(&shop::common);
	tally_counter_add(&object->hits, 5);
	part_count(1000);
}
int main()
{
	std::vector<std::thread> threads;

	tally_counter_add(&shop::common, 1000);
	object = new counted;
	for (int i = 0; i < 4; i++)
		threads.emplace_back(count);
	for (auto &thread : threads)
		thread.join();
	bool exact = tally_counter_load(&object->hits) == 20;
	delete object;
	std::printf("%d %d %d%s\n", (int)tally_counter_load(&shop::common), (int)part_common(),
		    (int)tally_counter_load(&part_visible), exact ? "" : " wrong");
}
C

# A program that knows nothing of the library loads one that uses it, and unloads it while its threads live.
cat >load.c <<'C'
#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
static pthread_barrier_t together;
static void (*part_count)(int);
static void *count(void *arg)
{
	part_count(500);
	pthread_barrier_wait(&together);
	pthread_barrier_wait(&together);
	return arg;
}
int main(int argc, char **argv)
{
	uint64_t (*part_common)(void);
	pthread_t threads[3];
	int sum = 0;

	pthread_barrier_init(&together, NULL, 4);
	for (int round = 0; round < 3; round++) {
		void *part = dlopen(argv[argc - 1], RTLD_NOW);

		if (!part) {
			puts(dlerror());
			return 1;
		}
		part_count = (void (*)(int))(intptr_t)dlsym(part, "part_count");
		part_common = (uint64_t(*)(void))(intptr_t)dlsym(part, "part_common");
		for (int i = 0; i < 3; i++)
			pthread_create(&threads[i], NULL, count, NULL);
		pthread_barrier_wait(&together);
		sum = (int)part_common();
		/* The threads end when the library that they counted in is gone. */
		if (dlclose(part) != 0)
			return 1;
		pthread_barrier_wait(&together);
		for (int i = 0; i < 3; i++)
			pthread_join(threads[i], NULL);
	}
	printf("%d\n", sum);
	return 0;
}
C

tried=0
for compiler in gcc clang; do
	command -v $compiler >/dev/null || continue
	tried=1
	case $compiler in gcc) plus=g++ ;; clang) plus=clang++ ;; esac
	warnings='-Wall -Wextra -Wpedantic -Werror'
	for optimise in -O0 -O2 '-O3 -flto'; do
		about="$compiler $optimise"
		# shellcheck disable=SC2086 # options
		{
			[ "$optimise" = '-O3 -flto' ] && [ $compiler = clang ] && ! command -v ld.lld >/dev/null &&
				! ls /usr/lib/llvm-*/lib/LLVMgold.so >/dev/null 2>&1 && continue
			$compiler -std=c11 $warnings $optimise $include -c main.c -o main.o
			$compiler -std=c11 $warnings $optimise $include -c part.c -o part.o
			$compiler -std=c11 $warnings $optimise -fPIC $include -shared part.c -o libpart.so $shared
			$compiler $optimise main.o part.o $static -pthread -o static
			gives "$wanted" ./static
			$compiler $optimise -static main.o part.o $static -pthread -o all_static
			gives "$wanted" ./all_static
			$compiler $optimise main.o part.o $shared -pthread -o dynamic
			gives "$wanted" ./dynamic
			$compiler $optimise main.o -L. -lpart $shared -Wl,-rpath,"$work" -pthread -o two
			gives "$wanted" ./two
			$compiler -std=gnu11 $warnings $optimise load.c -pthread -ldl -o load
			gives 4500 ./load ./libpart.so
			# With a copy of the library inside, as doc/counters.md says.
			$compiler -std=c11 $warnings $optimise -fPIC $include -shared part.c -o libown.so $static -pthread \
				-Wl,-z,nodelete
			gives 4500 ./load ./libown.so
			$compiler -std=c11 $warnings $optimise -fno-pie -no-pie $include main.c part.c $static -pthread \
				-o no_pie
			gives "$wanted" ./no_pie
			$compiler -std=c11 $warnings $optimise -fPIE -pie $include main.c part.c $static -pthread -o pie
			gives "$wanted" ./pie
			command -v $plus >/dev/null || continue
			for standard in c++11 c++20; do
				$plus -std=$standard $warnings $optimise $include -c main.cc -o main_cc.o
				$plus $optimise main_cc.o part.o $static -pthread -o plus_static
				gives "$wanted" ./plus_static
				$plus $optimise main_cc.o -L. -lpart $shared -Wl,-rpath,"$work" -pthread -o plus_two
				gives "$wanted" ./plus_two
			done
		}
	done
done
[ $tried = 1 ] || { echo "neither gcc nor clang"; exit 77; }
