#!/usr/bin/env python3
"""Each program of examples/ compiles without a warning, runs as it says, and has a race only if it says so."""
import os
import signal
import tempfile

import cli

# What each prints, as a regular expression, and its arguments under -race: None where that is another test's.
EXPECTED = {
	"atomic_counters.c": (r"ops: 50000\n", []),
	# Its number is wrong, and no number can be asked of it. That -race finds it is race_test.py's.
	"plain_counter.c": (r"ops: \d+ of 4000000\n", None),
	"nested.c": (r"sum: 4999950000\n", []),
	"many_waiting.c": (r"waiting: (100000|5000)\nwoken too early: 0\nwoken: \1\n", ["5000"]),
	"threads.c": (r"ops: 44000\n", []),
	"counters.c": (r"ops: 50000\n", []),
	"prefork.c": (r"requests: 80000\nin flight: 0\nby the parent: 0\n", []),
}


class Examples(cli.CommandTest):
	def sources(self):
		return sorted(path for path in (cli.SOURCE / "examples").glob("*.c") if path.name in EXPECTED)

	def test_all_are_there(self):
		self.assertEqual([path.name for path in self.sources()], sorted(EXPECTED))

	def test_counts_survive_kill_9(self):
		with tempfile.TemporaryDirectory() as folder:
			region = os.path.join(folder, "region")
			for start in range(1, 4):
				result = self.tally("run", cli.SOURCE / "examples/survivor.c", "--", region)
				self.assertEqual(result.returncode, -signal.SIGKILL)
				self.assertEqual(result.stdout, f"start {start}, ops: {start * 10000}\n")
				result = self.tally("cat", region, "--format", "prometheus")
				self.assertRuns(result)
				self.assertRegex(result.stdout, rf"(?m)^survivor_starts_total {start}$")
				self.assertRegex(result.stdout, rf"(?m)^survivor_ops_total {start * 10000}$")

	def test_they_run(self):
		for path in self.sources():
			with self.subTest(path.name):
				result = self.tally("run", path)
				self.assertRuns(result)
				self.assertRegex(result.stdout, f"^{EXPECTED[path.name][0]}$")

	def test_they_run_with_each_number_of_workers(self):
		for path in self.sources():
			for workers in ("1", "2", "8"):
				with self.subTest(path.name, workers=workers):
					result = self.tally("run", path, env={"TALLY_WORKERS": workers})
					self.assertRuns(result)
					self.assertRegex(result.stdout, f"^{EXPECTED[path.name][0]}$")

	def test_they_run_on_one_cpu(self):
		one = {min(os.sched_getaffinity(0))}
		for path in self.sources():
			with self.subTest(path.name):
				result = self.tally("run", path, preexec_fn=lambda: os.sched_setaffinity(0, one))
				self.assertRuns(result)
				self.assertRegex(result.stdout, f"^{EXPECTED[path.name][0]}$")

	def test_they_have_no_races(self):
		for path in self.sources():
			expected, arguments = EXPECTED[path.name]
			if arguments is None:
				continue
			with self.subTest(path.name):
				result = self.tally("run", "-race", path, *arguments, env={"CC": None})
				self.assertRuns(result)
				self.assertRegex(result.stdout, f"^{expected}$")


cli.main()
