#!/usr/bin/env python3
"""What the address, leak and undefined sanitizers say of tasks, as gcc and clang build the cases of cases.c, with and
without frames on a fake stack (detect_stack_use_after_return)."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).parent
SOURCE = pathlib.Path(os.environ["TALLY_SOURCE"])
BUILD = pathlib.Path(os.environ["TALLY_BUILD"])
LINES = (HERE / "cases.c").read_text().split("\n")
COMPILERS = [name for name in ("clang", "gcc") if shutil.which(name)]
FAKE = "detect_stack_use_after_return=1"


def line(case):
	[number] = [number for number, text in enumerate(LINES, 1) if text.endswith(f"/* {case} */")]
	return number


class Cases(unittest.TestCase):
	@classmethod
	def setUpClass(cls):
		folder = tempfile.TemporaryDirectory()
		cls.addClassCleanup(folder.cleanup)
		cls.programs = {}
		for compiler in COMPILERS:
			for sanitizers in ("address,undefined", "leak"):
				program = pathlib.Path(folder.name) / f"{compiler}-{sanitizers}"
				cls.programs[compiler, sanitizers] = program
				subprocess.run([compiler, "-g", "-O1", f"-fsanitize={sanitizers}", "-fno-sanitize-recover=all",
					f"-I{SOURCE}/include", "-o", program, HERE / "cases.c", BUILD / "libtally.a", "-pthread"], check=True)

	def run_all(self, check, *names, sanitizers="address,undefined", fake=("detect_stack_use_after_return=0", FAKE)):
		"""Runs the cases in all builds, with 1 worker and with 3."""
		for compiler in COMPILERS:
			for options in fake:
				for workers in ("1", "3"):
					for name in names:
						with self.subTest(f"{compiler}, {sanitizers}, {options}, {workers} workers: {name}"):
							run = subprocess.run([self.programs[compiler, sanitizers], name], capture_output=True, text=True,
								timeout=100, env=os.environ | {"TALLY_WORKERS": workers, "ASAN_OPTIONS": options})
							check(run, name)

	def silent(self, run, name):
		self.assertEqual((run.returncode, run.stdout + run.stderr), (0, ""))

	def reported(self, kind):
		"""The report is of that kind, and its first frame of cases.c is the marked line."""

		def check(run, name):
			self.assertNotEqual(run.returncode, 0)
			self.assertRegex(run.stderr, kind)
			places = [int(number) for number in re.findall(r"cases\.c:(\d+)", run.stderr)]
			self.assertTrue(places and places[0] == line(name), f"{line(name)}\n{run.stderr}")

		return check

	def leak(self, count):
		def check(run, name):
			self.assertNotEqual(run.returncode, 0)
			self.assertEqual(re.findall(r"leak of (\d+) byte\(s\) in (\d+) object\(s\)", run.stderr),
				[(str(77 * count), str(count))], run.stderr)
			self.assertRegex(run.stderr, rf"cases\.c:{line(name)}\b")

		return check

	def test_stacks_that_are_left_and_entered(self):
		self.run_all(self.silent, "clean_stacks")

	def test_an_array_on_a_stack(self):
		self.run_all(self.reported(r"stack-buffer-overflow[\s\S]*located in stack of thread[\s\S]*overflows[\s\S]*'local'"),
			"bad_array")

	def test_a_local_whose_function_has_returned(self):
		self.run_all(self.reported(r"stack-use-after-return[\s\S]*located in stack of thread[\s\S]*address_of_local"),
			"bad_return", fake=(FAKE,))

	def test_a_local_out_of_scope(self):
		self.run_all(self.reported("stack-use-after-scope"), "bad_scope")

	def test_freed_memory(self):
		self.run_all(self.reported(r"heap-use-after-free[\s\S]*freed by thread[\s\S]*in frees "), "bad_heap")

	def test_an_integer(self):
		self.run_all(self.reported("signed integer overflow"), "bad_integer")

	def test_memory_that_tasks_hold(self):
		held = ("clean_held_by_blocked", "clean_given_to_blocked", "clean_held_in_arrays", "clean_held_by_running", "clean_held_by_yielding",
			"clean_held_by_main", "clean_held_by_queued")
		self.run_all(self.silent, *held)
		# Without AddressSanitizer it cannot be told of stacks, and reports nothing that a task has allocated.
		self.run_all(self.silent, *held, sanitizers="leak", fake=("",))

	def test_memory_that_tasks_have_lost(self):
		self.run_all(self.leak(1), "leak_of_ended")
		self.run_all(self.leak(3), "leak_of_blocked")


if not COMPILERS:
	print("neither gcc nor clang")
	sys.exit(77)
unittest.main()
