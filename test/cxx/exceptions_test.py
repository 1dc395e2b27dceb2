#!/usr/bin/env python3
"""C++ exceptions in tasks, as g++ and clang++ build them, with sanitizers too: thrown and caught inside of a task, also
where it blocks meanwhile; and out of a task, which ends the program and names the task."""
import ctypes
import os
import pathlib
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).parent
SOURCE = pathlib.Path(os.environ["TALLY_SOURCE"])
BUILD = pathlib.Path(os.environ["TALLY_BUILD"])
COMPILERS = [name for name in ("g++", "clang++") if shutil.which(name)]
ADDR_NO_RANDOMIZE = 0x40000
ABORTED = (-6, 134)

# Of each: options, and the library.
WAYS = {
	"static library": (["-O2"], "libtally.a"),
	"shared library": (["-O1"], "libtally.so"),
	"all static": (["-O0", "-static"], "libtally.a"),
	"address sanitizer": (["-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"], "libtally.a"),
	"thread sanitizer": (["-O1", "-g", "-fsanitize=thread"], "libtally_race.a"),
}


class Exceptions(unittest.TestCase):
	@classmethod
	def setUpClass(cls):
		folder = tempfile.TemporaryDirectory()
		cls.addClassCleanup(folder.cleanup)
		cls.folder = pathlib.Path(folder.name)
		shutil.copy(BUILD / "libtally.so", cls.folder / "libtally.so.0")
		cls.programs = {}
		started = []
		for compiler in COMPILERS:
			for way, (options, library) in WAYS.items():
				program = cls.folder / f"{compiler}-{way}".replace(" ", "-")
				started.append(subprocess.Popen([compiler, "-std=c++17", "-Wall", "-Wextra", "-Werror", *options,
					f"-I{SOURCE}/include", "-o", program, HERE / "exceptions.cc", BUILD / library, "-pthread"]))
				cls.programs[f"{compiler}, {way}"] = program
				if len(started) == 2:
					assert started.pop(0).wait() == 0
		assert all(process.wait() == 0 for process in started)

	def run_all(self, check, *names):
		"""Runs the cases in all builds, with 1 worker and with 3."""
		for way, program in self.programs.items():
			for name in names:
				for workers in ("1", "3"):
					with self.subTest(f"{way}, {workers} workers: {name}"):
						check(subprocess.run([program, name], capture_output=True, text=True, timeout=100, cwd=self.folder,
							env=os.environ | {"TALLY_WORKERS": workers, "LD_LIBRARY_PATH": str(self.folder),
								"ASAN_OPTIONS": "detect_stack_use_after_return=1", "TSAN_OPTIONS": "atexit_sleep_ms=0"}))

	def works(self, run):
		self.assertEqual((run.returncode, run.stdout + run.stderr), (0, ""))

	def names_the_task(self, run):
		self.assertIn(run.returncode, ABORTED, run.stderr)
		lines = re.findall(r"^tally: .*", run.stderr, re.M)
		self.assertEqual(len(lines), 1, run.stderr)
		self.assertRegex(lines[0], r"^tally: an exception left task \d+ \(function 0x[0-9a-f]+\): a task ends by returning$")
		self.assertRegex(run.stderr, r"terminate called after throwing an instance of 'std::runtime_error'\n"
			r" +what\(\): +nobody's")

	def is_not_of_a_task(self, run):
		self.assertIn(run.returncode, ABORTED, run.stderr)
		self.assertIn("terminate called after throwing", run.stderr)
		self.assertNotIn("tally:", run.stderr)

	def test_caught_inside(self):
		self.run_all(self.works, "caught_inside", "passed_on_by_pointer")

	def test_blocking_in_a_handler(self):
		self.run_all(self.works, "yielding_in_a_handler", "waiting_in_a_handler", "main_waits_in_a_handler")

	def test_blocking_in_a_destructor(self):
		self.run_all(self.works, "waiting_in_a_destructor")

	def test_out_of_a_task(self):
		self.run_all(self.names_the_task, "leaves_a_task", "leaves_a_task_that_blocked", "leaves_a_task_again")

	def test_out_of_main(self):
		self.run_all(self.is_not_of_a_task, "leaves_main")


if not COMPILERS:
	print("no C++ compiler")
	sys.exit(77)
# Its ThreadSanitizer does not start where addresses are more random than it knows.
ctypes.CDLL(None).personality(ADDR_NO_RANDOMIZE)
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
unittest.main()
