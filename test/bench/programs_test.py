#!/usr/bin/env python3
"""Every benchmark program builds, runs with tiny numbers, and finds a wrong sum.

A peer that is not installed is left out; the first line that this prints says which.
"""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.environ["TALLY_SOURCE"], "bench"))

from harness import build, measure, rows  # noqa: E402
from harness.measure import Failed  # noqa: E402

# What stands in the rows, and what it becomes here.
SMALL = {"1000000": "1000", "100000": "200", "10000": "100", "5000": "50", "256": "8", "200": "3", "64": "4",
	 "20": "2"}
FOLDER = tempfile.TemporaryDirectory()


def builder():
	made = build.Builder(rows.PROGRAMS, FOLDER.name, os.environ.get("CC"))
	made.tree = pathlib.Path(os.environ["TALLY_BUILD"])
	return made


def installed(package):
	return any(subprocess.run(["dpkg-query", "-W", name], capture_output=True, check=False).returncode == 0
		   for name in package.split(" or "))


class Programs(unittest.TestCase):
	def test_each_entry_of_each_row(self):
		made, done = builder(), set()
		for row in rows.ROWS:
			for entry in row.entries:
				args = tuple(SMALL.get(arg, arg) for arg in entry.args)
				small = measure.Entry(entry.label, entry.program, args, entry.env)
				if (small.program, small.args) in done:
					continue
				done.add((small.program, small.args))
				with self.subTest(f"{row.name}, {entry.label}"):
					try:
						samples = measure.run(small, row, made.command, 1, 1)
					except build.Missing as missing:
						package = rows.PROGRAMS[entry.program].package
						self.assertFalse(package and installed(package), missing)
						print(f"not here: {missing}")
						continue
					self.assertTrue(all(s.unit == row.unit for s in samples))

	def test_wrong_sum_is_found(self):
		made = builder()
		source = pathlib.Path(FOLDER.name, "add_wrong.c")
		source.write_text(
			"#include <stdint.h>\n"
			"typedef uint64_t bench_counter;\n"
			"static inline void bench_add(bench_counter *c) { *c = 1; }\n"
			"static inline uint64_t bench_read(bench_counter *c) { return *c; }\n"
			f'#include "{build.TREE}/bench/common/add.h"\n')
		made.programs = {"add_wrong": build.Program("c", (str(source),))}
		for args, wrong in ((("add", "1", "1"), "sum of the counters: 1 instead of "),
				    (("add", "2", "10"), "sum of the counters: "),
				    (("read", "2", "1"), "sum of what was read: ")):
			entry = measure.Entry("wrong", "add_wrong", args + ("1", "1"))
			with self.subTest(args), self.assertRaisesRegex(Failed, wrong):
				measure.run(entry, rows.ROWS[0], made.command, 1, 1)

	def test_wrong_process_is_found(self):
		made = builder()
		for args, wrong in ((("-e", "ops: 50000", "1", "echo", "ops: 5000"), "prints ops: 5000"),
				    (("1", "false"), "ended with status 1"),
				    (("1", "sh", "-c", "kill -9 $$"), "ended with signal 9"),
				    (("1", "true", "--", "false"), "ended with status 1"),
				    (("1", "/nowhere/program"), "No such file")):
			entry = measure.Entry("wrong", "process", args)
			with self.subTest(args), self.assertRaisesRegex(Failed, wrong):
				measure.run(entry, rows.ROWS[0], made.command, 1, 1)


if __name__ == "__main__":
	unittest.main()
