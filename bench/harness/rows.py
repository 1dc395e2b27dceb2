"""What is compared with what: the programs, and the rows of the table."""
from .build import Program
from .measure import Entry, Row, Target

GO = "golang-go"
JAVA = "openjdk-17-jdk-headless"
PROMETHEUS = "prometheus-cpp-dev"

# The labels of peers that targets name.
C11 = "C11 fetch_add"
UNIT = "a locked add"
GO_ADD = "Go atomic.Uint64"


def c(name, **more):
	return Program("c", (f"bench/c/{name}.c",), **more)


def tally(name, **more):
	return Program("c", (f"bench/tally/{name}.c",), tally=True, **more)


def go(name, **more):
	return Program("go", ("bench/go/common.go", f"bench/go/{name}.go"), package=GO, **more)


PROGRAMS = {
	"add_counter": tally("add_counter"),
	"add_updown": tally("add_updown"),
	"add_atomic": tally("add_atomic"),
	"spawn": tally("spawn"),
	"spawn_race": tally("spawn", package="clang", race=True),
	"skynet": tally("skynet"),
	"yield": tally("yield"),
	"memory": tally("memory"),
	"seed": tally("seed"),
	"scrape_text": tally("scrape_text"),
	"seed_own": Program("c", ("examples/atomic_counters.c",), tally=True),
	"seed_static": Program("c", ("examples/atomic_counters.c",), tally=True, flags=("-static",)),
	"seed_counter_static": tally("seed_counter", flags=("-static",)),
	"seed_race": Program("c", ("examples/atomic_counters.c",), tally=True, package="clang", race=True),
	"tally": Program("file", ("bin/tally",)),
	"atomic_counters.c": Program("file", ("examples/atomic_counters.c",)),
	"seed_process.go": Program("file", ("bench/go/seed_process.go",)),
	"add_c11": c("add_c11"),
	"add_plain": c("add_plain"),
	"add_mutex": c("add_mutex"),
	"add_urcu": c("add_urcu", package="liburcu-dev"),
	"add_ck": c("add_ck", package="libck-dev"),
	"spawn_pthread": c("spawn_pthread"),
	"spawn_openmp": c("spawn_openmp", package="libgomp or libomp-dev", flags=("-fopenmp",)),
	"skynet_openmp": c("skynet_openmp", package="libgomp or libomp-dev", flags=("-fopenmp",)),
	"yield_pthread": c("yield_pthread"),
	"memory_pthread": c("memory_pthread"),
	"seed_pthread_static": c("seed_pthread", flags=("-static",)),
	"empty_static": c("empty", flags=("-static",)),
	"process": c("process"),
	"wake": c("wake"),
	"add_prometheus": Program("c++", ("bench/cpp/add_prometheus.cc",), package=PROMETHEUS,
				  libraries=("-lprometheus-cpp-core",)),
	"registry_prometheus": Program("c++", ("bench/cpp/registry_prometheus.cc",), package=PROMETHEUS,
				       libraries=("-lprometheus-cpp-core",)),
	"go_add": go("add"),
	"go_spawn": go("spawn"),
	"go_spawn_race": go("spawn", race=True),
	"go_skynet": go("skynet"),
	"go_yield": go("yield"),
	"go_memory": go("memory"),
	"go_seed": go("seed"),
	"go_seed_process": Program("go", ("bench/go/seed_process.go",), package=GO),
	"go_seed_process_race": Program("go", ("bench/go/seed_process.go",), package=GO, race=True),
	"java_add": Program("java", ("bench/java/Add.java",), package=JAVA),
}

RUN = ("{ms}", "{samples}")
ONE = (("GOMAXPROCS", "1"), ("OMP_NUM_THREADS", "1"))
TWO = (("GOMAXPROCS", "2"), ("OMP_NUM_THREADS", "2"))
# Neither sleeps at its end: Go by this setting, tally as `tally run -race` sets it.
NO_SLEEP = (("GORACE", "atexit_sleep_ms=0"), ("TSAN_OPTIONS", "atexit_sleep_ms=0"))


def adds(threads, counters):
	"""The entries of a row of additions, from tally's to the dearest."""
	args = ("add", str(threads), str(counters)) + RUN
	env = ONE if threads == 1 else TWO
	entries = [
		Entry("tally_counter", "add_counter", args),
		Entry(C11, "add_c11", args),
		Entry(GO_ADD, "go_add", args, env),
		Entry("Java LongAdder", "java_add", ("adder",) + args, rounds=3),
		Entry("Java AtomicLong", "java_add", ("atomic",) + args, rounds=3),
		Entry("liburcu uatomic_add", "add_urcu", args),
		Entry("Concurrency Kit ck_pr_inc_64", "add_ck", args),
		Entry("pthread mutex", "add_mutex", args),
		Entry("prometheus-cpp Counter", "add_prometheus", args),
		Entry("tally_updown", "add_updown", args),
		Entry("tally_atomic_u64", "add_atomic", args),
	]
	if threads == 1:
		entries.append(Entry("a plain integer, unshared", "add_plain", args))
	return tuple(entries)


def of_workers(n):
	return f"{n} worker{'s' if n > 1 else ''}"


def reads(slots):
	args = ("read", str(slots), "1") + RUN
	return Row(f"read-{slots}", f"read of one counter, {slots} slot{'s' if slots > 1 else ''}", "ns", (
		Entry("tally_counter", "add_counter", args),
		Entry("C11 atomic_load", "add_c11", args),
		Entry("Java LongAdder sum", "java_add", ("adder",) + args, rounds=2),
	), (Target(6),) if slots == 16 else (), rounds=3)


def spawns(n, workers):
	args = (str(n),) + RUN
	env = ONE if workers == 1 else TWO
	ours = (str(n), str(workers)) + RUN
	entries = [Entry("tally_waitgroup_go", "spawn", ("go",) + ours), Entry("Go", "go_spawn", args, env)]
	if workers == 1:
		entries.append(Entry(UNIT, "add_c11", ("add", "1", "1") + RUN))
	entries.append(Entry("OpenMP tasks", "spawn_openmp", args, env))
	if n <= 1000:
		entries.append(Entry("pthread_create", "spawn_pthread", args, rounds=3))
	entries.append(Entry("tally_waitgroup_go_n", "spawn", ("go_n",) + ours))
	targets = (Target(0.1, "Go"),) + ((Target(7, UNIT),) if workers == 1 else ())
	return Row(f"spawn-{n}-w{workers}", f"spawn + run + join, {n:,} tasks, {of_workers(workers)}", "ns",
		   tuple(entries), targets, "shown" if workers > 1 else "")


def skynet(workers):
	env = ONE if workers == 1 else TWO
	args = ("1000000",) + RUN
	ours = ("1000000", str(workers)) + RUN
	return Row(f"skynet-w{workers}", f"skynet, 1,111,111 nested tasks, {of_workers(workers)}", "ms", (
		Entry("tally_waitgroup_go", "skynet", ("go",) + ours),
		Entry("Go, a WaitGroup a node", "go_skynet", args, env, rounds=3),
		Entry("OpenMP taskwait", "skynet_openmp", args, env, rounds=3),
		Entry("tally_waitgroup_go_n", "skynet", ("go_n",) + ours),
	), (Target(0.03, "Go, a WaitGroup a node"),) if workers > 1 else (), "shown" if workers > 1 else "",
		   ms=60, samples=2)


def race(workers):
	return Row(f"race-w{workers}", f"-race: spawn + run + join, 1,000 tasks, {of_workers(workers)}", "ns", (
		Entry("tally", "spawn_race", ("go", "1000", str(workers)) + RUN, NO_SLEEP),
		Entry("Go", "go_spawn_race", ("1000",) + RUN, (("GOMAXPROCS", str(workers)),) + NO_SLEEP),
	), (Target(0.5, "Go"),), "shown" if workers > 1 else "")


def process(label, *args, env=()):
	"""An entry that times whole processes; 20 a round."""
	return Entry(label, "process", ("-e", "ops: 50000", "20") + args, env)


def seeds(name, what, ours, target):
	return Row(name, what, "us", (
		Entry(f"tally, {ours}", "seed", (ours, "0") + RUN),
		Entry("Go", "go_seed", RUN),
		Entry("Go, 1 processor", "go_seed", RUN, ONE),
		Entry(f"tally, {ours}, 1 worker", "seed", (ours, "1") + RUN),
	), target, "shown")


def machine(mode, what):
	entry = Entry("the kernel", "wake", (mode, "200"))
	return Row(f"machine-{mode}", f"this machine: {what}", "us", (entry,), rounds=1, machine=True)


ROWS = (
	Row("add-1", "counter add, 1 thread", "ns", adds(1, 1), (Target(0.25, C11),)),
	Row("add-2", "counter add, 2 threads on one counter", "ns", adds(2, 1),
	    (Target(0.06, C11), Target(0.06, GO_ADD)), "needed", ms=60),
	Row("add-random", "counter add among 10,000 counters at random", "ns", adds(1, 10000),
	    (Target(0.25, C11),)),
	Row("add-64", "counter add, 64 threads on one counter, 2 CPUs", "ns", adds(64, 1), (), "needed", ms=60),
	*(reads(slots) for slots in (1, 2, 4, 16, 64, 256)),
	Row("scrape", "sum of each of 10,000 counters, 2 slots", "us", (
		Entry("tally_counter", "add_counter", ("read", "2", "10000") + RUN),
		Entry("C11 atomic_load", "add_c11", ("read", "2", "10000") + RUN),
		Entry("Go atomic.Uint64", "go_add", ("read", "2", "10000") + RUN),
		Entry("Java LongAdder", "java_add", ("adder", "read", "2", "10000") + RUN, rounds=2),
		Entry("tally_counter, 16 slots", "add_counter", ("read", "16", "10000") + RUN),
	), rounds=3),
	Row("scrape-text", "text of 10,000 named counters, read by another process", "us", (
		Entry("tally_view_print", "scrape_text", RUN),
		Entry("prometheus-cpp, in its own process", "registry_prometheus", ("text", "10000") + RUN),
	), rounds=3),
	Row("counter-memory", "memory of a counter, 10,000 counters, 2 threads", "B", (
		Entry("tally_counter", "add_counter", ("memory", "10000")),
		Entry("C11 atomic", "add_c11", ("memory", "10000")),
		Entry("Java LongAdder, heap", "java_add", ("adder", "memory", "10000")),
		Entry("prometheus-cpp, 1 label", "registry_prometheus", ("memory", "10000")),
	), rounds=3),
	*(spawns(n, workers) for workers in (1, 2) for n in (50, 1000, 100000)),
	skynet(1), skynet(2),
	Row("yield", "yield between two tasks", "ns", (
		Entry("tally_yield", "yield", ("2",) + RUN),
		Entry("Go Gosched", "go_yield", ("2",) + RUN),
		Entry("sched_yield, 2 threads on 1 CPU", "yield_pthread", ("2",) + RUN),
	), (Target(25), Target(1, "Go Gosched"))),
	Row("pending-memory", "memory of a task not yet started, 1,000,000", "B", (
		Entry("tally task", "memory", ("pending", "1000000")),
		Entry("goroutine, 5,000", "go_memory", ("pending", "5000")),
	), (Target(96),), rounds=3),
	Row("blocked-memory", "memory of a blocked task, 100,000", "B", (
		Entry("tally task", "memory", ("blocked", "100000")),
		Entry("goroutine", "go_memory", ("blocked", "100000")),
		Entry("thread, 10,000", "memory_pthread", ("10000",)),
	), (Target(4608),), rounds=3),
	seeds("seed-atomic", "the seed's program, with an atomic, in process", "atomic", ()),
	seeds("seed-counter", "the seed's program, with a counter, in process", "counter",
	      (Target(0.25, "Go"),)),
	Row("process-atomic", "the seed's program, with an atomic, as a process", "us", (
		process("tally, static", "@seed_static"),
		process("Go", "@go_seed_process"),
		Entry("an empty C program, static", "process", ("20", "@empty_static")),
		process("50 pthreads, static", "@seed_pthread_static"),
	), (Target(0.5, "Go"),), rounds=5),
	Row("process-counter", "the seed's program, with a counter, as a process", "us", (
		process("tally, static", "@seed_counter_static"),
		process("Go", "@go_seed_process"),
		Entry("an empty C program, static", "process", ("20", "@empty_static")),
	), (Target(0.5, "Go"),), rounds=5),
	race(1), race(2),
	Row("race-process", "-race: the seed's program as a process", "us", (
		process("tally", "@seed_race", env=NO_SLEEP),
		process("Go", "@go_seed_process_race", env=NO_SLEEP),
	), rounds=3),
	Row("run", "tally run, nothing changed, over the program's own time", "us", (
		Entry("tally run", "process",
		      ("-e", "ops: 50000", "10", "@tally", "run", "@atomic_counters.c", "--", "@seed_own")),
		Entry("go run", "process",
		      ("-e", "ops: 50000", "2", "go", "run", "@seed_process.go", "--", "@go_seed_process"),
		      rounds=2),
	), (Target(10000),)),
	machine("pay", "what a futex wake costs its caller"),
	machine("run", "from a futex wake until the woken thread runs"),
	machine("timeout", "a futex wait of 50 us, timer slack 1 us"),
)
