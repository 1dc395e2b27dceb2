#!/usr/bin/env python3
"""What ThreadSanitizer says of the cases in race.c and norace.c, as gcc and clang build them.

A case named race_... must end with 66 after a report of two of the lines of its file that are marked RACY; a
case named norace_... must end with 0, and ThreadSanitizer must be silent. `cases_test.py NAME...` runs those.
"""
import concurrent.futures
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
SOURCES = ["main.c", "race.c", "norace.c"]
FRAME = re.compile(r"^  \S.*:\n(?:    #\d+ (?!.*/race\.c:).*\n)*    #\d+ \S+ \S*/race\.c:(\d+)", re.M)
ACCESS = re.compile(r"^  (?:Previous )?(?:atomic )?(?:read|write) of size", re.M | re.I)


# Compilers, and numbers of workers. gcc's ThreadSanitizer is slow, and the library is the same.
RUNS = {"gcc": (1,), "clang": (1, 4)}


def build(compiler, folder):
	program = folder / compiler
	subprocess.run([compiler, "-g", "-O1", "-fsanitize=thread", f"-I{HERE.parent.parent}/include",
		"-o", program, *(HERE / source for source in SOURCES), BUILD / "libtally_race.a", "-pthread"], check=True)
	return program


RACY_LINES = {number for number, line in enumerate((HERE / "race.c").read_text().split("\n"), 1)
	if line.endswith("/* RACY */")}


def breach(program, case, workers):
	"""What is wrong about a run of the case, or None."""
	environment = os.environ | {"TALLY_WORKERS": str(workers), "TSAN_OPTIONS": "atexit_sleep_ms=0"}
	# A race that was told is enough; what else the case does is not asked.
	if case.startswith("race"):
		environment["TSAN_OPTIONS"] = "halt_on_error=1"
	try:
		run = subprocess.run([program, case], env=environment, capture_output=True, text=True, timeout=60)
	except subprocess.TimeoutExpired:
		return "does not end"
	text = run.stdout + run.stderr
	if case.startswith("norace"):
		return None if run.returncode == 0 and text == "" else f"exit status {run.returncode}\n{text}"
	if run.returncode != 66:
		return f"exit status {run.returncode}\n{text}"
	if len(ACCESS.findall(text)) < 2:
		return f"not two accesses are reported\n{text}"
	# The innermost frames of the case's own source: of a free, the one that called it.
	lines = [int(line) for line in FRAME.findall(text)[:2]]
	if len(lines) < 2 or not set(lines) <= RACY_LINES:
		return f"lines {lines} are reported\n{text}"
	return None


def main():
	# ThreadSanitizer of these compilers does not start where addresses are more random than it knows; what is
	# started from here inherits this. Refused by some containers, and then not needed as a rule.
	ctypes.CDLL(None).personality(ADDR_NO_RANDOMIZE)
	failed = runs = 0
	with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(2) as pool:
		results = []
		for compiler in filter(shutil.which, RUNS):
			program = build(compiler, pathlib.Path(folder))
			names = subprocess.run([program], capture_output=True, text=True, check=True).stdout.split()
			for case in sys.argv[1:] or names:
				for workers in RUNS[compiler]:
					results.append((f"{compiler}, {workers} workers: {case}",
						pool.submit(breach, program, case, workers)))
		for name, result in results:
			runs += 1
			if result.result() is not None:
				failed += 1
				print(f"{name}: {result.result()}")
	print(f"{runs} runs, {failed} failed")
	sys.exit(failed != 0 or runs == 0)


main()
