#!/usr/bin/env python3
"""tally run -race: what is reported and how the program ends, which compiler is taken, what the program is given."""
import ctypes
import os
import re
import shutil
import signal
import unittest

import cli

ADDR_NO_RANDOMIZE = 0x0040000
PLAIN = cli.SOURCE / "examples/plain_counter.c"
ATOMIC = cli.SOURCE / "examples/atomic_counters.c"
COMPILERS = [name for name in ("clang", "gcc") if shutil.which(name)]

# Two threads, one after the other as far as one can see, and nothing that orders them.
RACE = """\
#include <pthread.h>
#include <unistd.h>
static int shared;
static void *write_it(void *arg)
{
	shared = 1;
	return arg;
}
int main(void)
{
	pthread_t thread;
	pthread_create(&thread, NULL, write_it, NULL);
	usleep(100000);
	int seen = shared;
	pthread_join(thread, NULL);
	return seen - 1;
}
"""


def line_of(path, text):
	return next(n for n, line in enumerate(path.read_text().splitlines(), 1) if line.strip() == text)


class Reports(cli.CommandTest):
	def assertRace(self, result, path, first, second=None):
		"""There is a report, which names both places by the file's whole name, and its lines."""
		self.assertEqual(result.returncode, 66, result.stderr)
		self.assertIn("WARNING: ThreadSanitizer: data race", result.stderr)
		blocks = re.findall(r"^  (?:(?:Previous )?(?:atomic )?(?:read|write|Read|Write) of size .*)\n((?:    #.*\n)+)",
				    result.stderr, re.MULTILINE)
		self.assertGreaterEqual(len(blocks), 2, result.stderr)
		lines = {int(n) for block in blocks[:2] for n in re.findall(re.escape(f"{path}:") + r"(\d+)", block.split("#1")[0])}
		self.assertEqual(lines, {first, second or first}, result.stderr)

	def test_the_plain_counter(self):
		line = line_of(PLAIN, "ops++;")
		for compiler in (None, *COMPILERS):
			for _ in range(2):
				result = self.tally("run", "-race", PLAIN, env={"CC": compiler})
				self.assertRace(result, PLAIN, line)
				self.assertRegex(result.stdout, r"^ops: \d+ of \d+\n$")

	def test_the_plain_counter_on_one_cpu(self):
		one = {min(os.sched_getaffinity(0))}
		for compiler in (None, *COMPILERS):
			result = self.tally("run", "-race", PLAIN, env={"CC": compiler},
					    preexec_fn=lambda: os.sched_setaffinity(0, one))
			self.assertRace(result, PLAIN, line_of(PLAIN, "ops++;"))

	def test_the_atomic_counter_has_none(self):
		for compiler in (None, *COMPILERS):
			self.assertRuns(self.tally("run", "-race", ATOMIC, env={"CC": compiler}), "ops: 50000\n")

	def test_plain_threads(self):
		path = self.write("race.c", RACE)
		lines = line_of(path, "shared = 1;"), line_of(path, "int seen = shared;")
		for compiler in (None, *COMPILERS):
			self.assertRace(self.tally("run", "-race", path, env={"CC": compiler}), path, *lines)

	def test_without_a_cache(self):
		# Reports are made from the program's file, which goes when the program has ended: however it ends.
		path = self.write("race.c", RACE)
		lines = line_of(path, "shared = 1;"), line_of(path, "int seen = shared;")
		for compiler in (None, *COMPILERS):
			env = {"CC": compiler, "TALLY_CACHE_SIZE": 0}
			self.assertRace(self.tally("run", "-race", path, env=env), path, *lines)
			self.assertEqual(self.leftovers(), [])
		self.write("wait.c", "#include <stdio.h>\n#include <unistd.h>\nint main(void)\n"
			   "{ puts(\"ready\"); fclose(stdout); for (;;) pause(); }\n")
		process = self.start("run", "-race", "wait.c", env={"CC": None, "TALLY_CACHE_SIZE": "0"})
		self.assertEqual(process.stdout.readline(), "ready\n")
		self.assertNotEqual(list(self.temporary.iterdir()), [])
		# Whoever removes the folder does not keep the program's output open, and is none of its children.
		self.assertEqual(process.stdout.read(), "")
		self.assertIsNone(process.poll())
		process.send_signal(signal.SIGKILL)
		process.communicate()
		self.assertEqual(process.returncode, -signal.SIGKILL)
		self.write("child.c", "#include <errno.h>\n#include <sys/wait.h>\n"
			   "int main(void) { return wait(0) != -1 || errno != ECHILD; }\n")
		self.assertRuns(self.tally("run", "-race", "child.c", env={"CC": None, "TALLY_CACHE_SIZE": "0"}))


class Choice(cli.CommandTest):
	"""clang is preferred where it works; what is set by the user counts more."""

	def setUp(self):
		super().setUp()
		self.write("echo.c", cli.ECHO)

	def taken(self, env, *words):
		result = self.tally("run", "-race", "-v", "echo.c", *words, env=env)
		self.assertEqual((result.returncode, result.stdout), (0, "echo\n"), result.stderr)
		return result.stderr.split(" ", 1)[0]

	@unittest.skipUnless(len(COMPILERS) == 2, "needs gcc and clang")
	def test_the_order(self):
		self.assertEqual(self.taken({"CC": None}), shutil.which("clang"))
		self.assertEqual(self.taken({"CC": "gcc"}), shutil.which("gcc"))
		bin = self.folder / "bin"
		path = f"{bin}:{self.env['PATH']}"
		# One that cannot link ThreadSanitizer, and an old one.
		self.write("bin/clang", '#!/bin/sh\ncase "$*" in *=thread*) exit 1 ;; esac\nexec gcc "$@"\n', 0o755)
		self.assertEqual(self.taken({"CC": None, "PATH": path}), shutil.which("cc"))
		self.write("bin/clang", f'#!/bin/sh\nexec {shutil.which("clang")} -U__clang_major__ -D__clang_major__=13 "$@"\n', 0o755)
		self.assertEqual(self.taken({"CC": None, "PATH": path}), shutil.which("cc"))
		for name in ("cc", "gcc"):
			self.write(f"bin/{name}", "#!/bin/sh\nexit 1\n", 0o755)
		self.assertEqual(self.taken({"CC": None, "PATH": path}), str(bin / "clang"))

	def test_none_that_works(self):
		for name in ("clang", "gcc", "cc"):
			self.write(f"bin/{name}", "#!/bin/sh\necho no runtime >&2\nexit 1\n", 0o755)
		result = self.tally("run", "-race", "echo.c", env={"CC": None, "PATH": f"{self.folder}/bin:/bin"})
		self.assertFails(result, "-fsanitize=thread", "install")
		# What the user has chosen speaks for itself.
		result = self.tally("run", "-race", "echo.c", env={"CC": self.folder / "bin/gcc"})
		self.assertEqual((result.returncode, result.stderr), (1, "no runtime\n"))

	def test_it_is_kept_apart(self):
		for _ in range(2):
			self.assertRuns(self.tally("run", "echo.c"), "echo\n")
			self.assertRuns(self.tally("run", "-race", "echo.c"), "echo\n")
			self.assertRuns(self.tally("run", "--race", "echo.c"), "echo\n")
		self.assertEqual(len(list(self.cache.glob("*/echo"))), 2)

	@unittest.skipUnless(cli.first("c++", "g++", "clang++"), "no C++ compiler")
	def test_cpp(self):
		self.write("both.cc", "#include <tally/tally.h>\nextern \"C\" int more(void);\n"
			   "int main() { tally_waitgroup wg = {}; tally_waitgroup_wait(&wg); return more(); }\n")
		self.write("more.c", "int more(void) { return 5; }\n")
		for env in ({"CC": None}, {"CC": "gcc", "CXX": "g++"}):
			result = self.tally("run", "-race", "both.cc", "more.c", env=env)
			self.assertEqual((result.returncode, result.stderr), (5, ""))


class Environment(cli.CommandTest):
	def setUp(self):
		super().setUp()
		self.write("see.c", "#include <stdio.h>\n#include <stdlib.h>\n#include <sys/personality.h>\n"
			   "int main(void) { const char *options = getenv(\"TSAN_OPTIONS\");\n"
			   "printf(\"%d %s\\n\", personality(0xffffffff), options == NULL ? \"none\" : options); }\n")

	def see(self, *words, **more):
		result = self.tally("run", *words, "see.c", **more)
		self.assertRuns(result)
		personality, options = result.stdout.rstrip("\n").split(" ", 1)
		return int(personality), options

	def test_no_sleep_at_the_end_and_the_user_s_word_last(self):
		self.assertEqual(self.see()[1], "none")
		options = self.see("-race")[1].split(":")
		self.assertEqual(options[0], "atexit_sleep_ms=0")
		given = "atexit_sleep_ms=1:exitcode=3"
		self.assertTrue(self.see("-race", env={"TSAN_OPTIONS": given})[1].endswith(":" + given))
		self.assertEqual(self.see(env={"TSAN_OPTIONS": given})[1], given)
		result = self.tally("run", "-race", PLAIN, env={"TSAN_OPTIONS": "exitcode=3"})
		self.assertEqual(result.returncode, 3, result.stderr)

	def test_the_symbolizer_beside_clang_is_named_where_none_is_in_the_path(self):
		self.write("llvm/bin/clang-99", f'#!/bin/sh\nPATH={self.env["PATH"]} exec {self.real_compiler} "$@"\n', 0o755)
		(self.folder / "bin").mkdir()
		(self.folder / "bin/clang").symlink_to(self.folder / "llvm/bin/clang-99")
		env = {"PATH": self.folder / "bin", "CC": "clang"}
		self.assertEqual(self.see("-race", env=env)[1], "atexit_sleep_ms=0")
		beside = self.write("llvm/bin/llvm-symbolizer", "", 0o755)
		for _ in range(2):
			self.assertEqual(self.see("-race", env=env)[1],
					 f"atexit_sleep_ms=0:external_symbolizer_path={beside}")
		self.write("bin/llvm-symbolizer", "", 0o755)
		self.assertEqual(self.see("-race", env=env)[1], "atexit_sleep_ms=0")

	def test_addresses_stay_in_place_where_they_may_be_spread_too_far(self):
		libc = ctypes.CDLL(None)
		if libc.personality(0xffffffff) & ADDR_NO_RANDOMIZE:
			self.skipTest("addresses are in place here anyway")
		try:
			with open("/proc/sys/vm/mmap_rnd_bits") as bits:
				wide = int(bits.read()) > 28
		except OSError:
			wide = True
		self.assertEqual(self.see()[0] & ADDR_NO_RANDOMIZE, 0)
		self.assertEqual(bool(self.see("-race")[0] & ADDR_NO_RANDOMIZE), wide)
		if os.geteuid() == 0:
			# Others may not read how far that is.
			self.folder.chmod(0o755)
			(self.folder / "nobody").mkdir()
			os.chown(self.folder / "nobody", cli.NOBODY, cli.NOBODY)
			self.temporary.chmod(0o777)
			env = {"XDG_CACHE_HOME": self.folder / "nobody"}
			self.assertTrue(self.see("-race", env=env, **self.unprivileged())[0] & ADDR_NO_RANDOMIZE)


cli.main()
