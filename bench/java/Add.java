// Java's LongAdder and AtomicLong as counters: bench/common/add.h with Java's threads.
//
//	Add adder|atomic add THREADS COUNTERS MS SAMPLES
//	Add adder|atomic read THREADS COUNTERS MS SAMPLES     after THREADS threads have added at once
//	Add adder|atomic memory COUNTERS                      bytes of heap a counter that two threads used
import java.lang.management.ManagementFactory;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;

final class Add {
	interface Body {
		long[] run(long times) throws Exception; // wall and CPU nanoseconds
	}

	static LongAdder[] adders;
	static AtomicLong[] atomics;
	static boolean isAdder;
	static long total;
	static int n;

	// The process's CPU time comes in steps of 10 ms, a thread's does not.
	static long cpu() {
		return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
	}

	static void check(String what, long have, long want) {
		if (have != want) {
			System.err.println(what + ": " + have + " instead of " + want);
			System.exit(1);
		}
	}

	static void addToAdders(long times, long seed) {
		LongAdder[] counters = adders;
		if (n == 1) {
			LongAdder c = counters[0];
			for (long i = 0; i < times; i++)
				c.increment();
			return;
		}
		long x = seed * 2 + 1;
		for (long i = 0; i < times; i++) {
			x *= 0xd1342543de82ef95L;
			counters[(int) ((x >>> 32) * n >>> 32)].increment();
		}
	}

	static void addToAtomics(long times, long seed) {
		AtomicLong[] counters = atomics;
		if (n == 1) {
			AtomicLong c = counters[0];
			for (long i = 0; i < times; i++)
				c.incrementAndGet();
			return;
		}
		long x = seed * 2 + 1;
		for (long i = 0; i < times; i++) {
			x *= 0xd1342543de82ef95L;
			counters[(int) ((x >>> 32) * n >>> 32)].incrementAndGet();
		}
	}

	static void add(long times, long seed) {
		if (isAdder)
			addToAdders(times, seed);
		else
			addToAtomics(times, seed);
	}

	static long sum() {
		long sum = 0;
		for (int i = 0; i < n; i++)
			sum += isAdder ? adders[i].sum() : atomics[i].get();
		return sum;
	}

	static long[] addBody(long times, int threads) throws Exception {
		long wall, cpuTime;
		AtomicLong inThreads = new AtomicLong();
		if (threads == 1) {
			cpuTime = cpu();
			wall = System.nanoTime();
			add(times, 1);
		} else {
			CyclicBarrier barrier = new CyclicBarrier(threads + 1);
			Thread[] running = new Thread[threads];
			for (int i = 0; i < threads; i++) {
				long seed = i + 1;
				running[i] = new Thread(() -> {
					try {
						barrier.await();
					} catch (Exception e) {
						throw new RuntimeException(e);
					}
					long began = cpu();
					add(times, seed);
					inThreads.addAndGet(cpu() - began);
				});
				running[i].start();
			}
			cpuTime = cpu();
			wall = System.nanoTime();
			barrier.await();
			for (Thread t : running)
				t.join();
		}
		wall = System.nanoTime() - wall;
		cpuTime = cpu() - cpuTime + inThreads.get();
		total += times * threads;
		check("sum of the counters", sum(), total);
		return new long[] {wall, cpuTime};
	}

	static long[] readBody(long times) {
		long sum = 0, cpuTime = cpu(), wall = System.nanoTime();
		for (long i = 0; i < times; i++)
			sum += sum();
		wall = System.nanoTime() - wall;
		cpuTime = cpu() - cpuTime;
		check("sum of what was read", sum, times * total);
		return new long[] {wall, cpuTime};
	}

	static void measure(String name, String unit, double per, int ms, int samples, Body body)
			throws Exception {
		double goal = ms * 1e6;
		long times = 1;
		// The compiler works meanwhile: only from the third full sample on is what it made measured.
		for (int full = 0; full < 3;) {
			double factor = goal / (body.run(times)[0] + 1);
			if (factor < 1.5)
				full++;
			times = (long) (times * Math.min(factor, 10)) + 1;
		}
		for (int i = 0; i < samples; i++) {
			long[] span = body.run(times);
			double value = span[0] / (double) times / per;
			System.out.printf("%s %.4f %s cpu_over_wall=%.3f%n", name, value, unit,
					span[1] / (double) (span[0] + 1));
		}
	}

	static long heap() throws Exception {
		for (int i = 0; i < 4; i++) {
			System.gc();
			Thread.sleep(20);
		}
		Runtime runtime = Runtime.getRuntime();
		return runtime.totalMemory() - runtime.freeMemory();
	}

	static void make() {
		adders = isAdder ? new LongAdder[n] : null;
		atomics = isAdder ? null : new AtomicLong[n];
		for (int i = 0; i < n; i++) {
			if (isAdder)
				adders[i] = new LongAdder();
			else
				atomics[i] = new AtomicLong();
		}
	}

	static void memory() throws Exception {
		long before = 0;
		// The first round is for what Java itself keeps from then on.
		for (int round = 0; round < 2; round++) {
			adders = null;
			atomics = null;
			before = heap();
			total = 0;
			make();
			addBody(100L * n, 2);
		}
		System.out.printf("memory %.1f B%n", (heap() - before) / (double) n);
		check("sum of the counters", sum(), total);
	}

	public static void main(String[] a) throws Exception {
		isAdder = a[0].equals("adder");
		if (a[1].equals("memory")) {
			n = Integer.parseInt(a[2]);
			memory();
			return;
		}
		int threads = Integer.parseInt(a[2]);
		n = Integer.parseInt(a[3]);
		int ms = Integer.parseInt(a[4]), samples = Integer.parseInt(a[5]);
		make();
		if (a[1].equals("add")) {
			measure("add", "ns", threads, ms, samples, times -> addBody(times, threads));
			return;
		}
		addBody(20000L * n, threads);
		measure("read", n == 1 ? "ns" : "us", n == 1 ? 1 : 1000, ms, samples, times -> readBody(times));
	}
}
