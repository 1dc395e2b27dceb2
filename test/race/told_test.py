#!/usr/bin/env python3
"""Races between tasks that end less than 193 ends apart, or more, are all told; and those 193 apart are not, which is
the price of fibers that are used again (doc/design/races.md)."""
import ctypes
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
BUILD = pathlib.Path(os.environ["TALLY_BUILD"])
ADDR_NO_RANDOMIZE = 0x40000
TASKS = 2000
POOL = int(re.search(r"^#define REUSE_AFTER (\d+)", (HERE / "../../src/sched/fiber.c").read_text(), re.M)[1])
ADDRESS = re.compile(r"^  Write of size 8 at (0x[0-9a-f]+) ", re.M)


def told(program, distance):
	"""The number of variables of which a race is reported."""
	# One report for each place in the code is what ThreadSanitizer gives otherwise.
	environment = os.environ | {"TSAN_OPTIONS": "atexit_sleep_ms=0 suppress_equal_stacks=0 suppress_equal_addresses=0"}
	run = subprocess.run([program, str(distance)], env=environment, capture_output=True, text=True, timeout=100)
	addresses = set(ADDRESS.findall(run.stderr))
	expected = 66 if addresses else 0
	if run.returncode != expected:
		sys.exit(f"{program} {distance}: exit status {run.returncode}\n{run.stderr[:4000]}")
	return len(addresses)


def main():
	# See cases_test.py.
	ctypes.CDLL(None).personality(ADDR_NO_RANDOMIZE)
	failed = runs = 0
	with tempfile.TemporaryDirectory() as folder:
		for compiler in filter(shutil.which, ("clang", "gcc")):
			program = pathlib.Path(folder) / compiler
			subprocess.run([compiler, "-g", "-O1", "-fsanitize=thread", f"-I{HERE.parent.parent}/include", "-o", program,
				HERE / "pairs.c", BUILD / "libtally_race.a", "-pthread"], check=True)
			for distance in (1, 64, POOL - 1, POOL, POOL + 1):
				runs += 1
				expected = 0 if distance == POOL else TASKS - distance
				found = told(program, distance)
				if found != expected:
					failed += 1
					print(f"{compiler}: of {TASKS - distance} races at a distance of {distance}, {found} are told, "
						f"not {expected}")
	print(f"{runs} runs, {failed} failed")
	sys.exit(failed != 0 or runs == 0)


main()
