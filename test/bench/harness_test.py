#!/usr/bin/env python3
"""The harness of the benchmarks on figures that are made up: medians, ratios, verdicts, what is discarded."""
import json
import os
import pathlib
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.environ["TALLY_SOURCE"], "bench"))

from harness import machine, measure, report, rows  # noqa: E402
from harness.measure import Entry, Failed, Result, Row, Sample, Target  # noqa: E402

OURS, THEIRS = Entry("ours", "a"), Entry("theirs", "b")


def row(**more):
	return Row("name", "what it is", "ns", (OURS, THEIRS), **more)


def samples(*values, cpus=2.0):
	return [Sample(value, "ns", cpus) for value in values]


def results(ours, theirs):
	return [Result(OURS, samples=samples(*ours)), Result(THEIRS, samples=samples(*theirs))]


class Parse(unittest.TestCase):
	def test_reads_value_unit_and_cpu_time(self):
		read = measure.parse("add 1.5 ns cpu_over_wall=1.98\nadd 2 ns\n", "ns")
		self.assertEqual([(s.value, s.cpu_over_wall) for s in read], [(1.5, 1.98), (2.0, None)])

	def test_refuses_what_is_no_sample(self):
		for text in ("", "hello\n", "add x ns\n", "add 1 us\n", "add 1 ns cpus=2\n",
			     "add 1 ns cpu_over_wall=x\n"):
			with self.subTest(text), self.assertRaises(Failed):
				measure.parse(text, "ns")


class Execute(unittest.TestCase):
	def test_failure_has_its_reason(self):
		with self.assertRaisesRegex(Failed, "ended with 3: the sum is wrong"):
			measure.execute(["sh", "-c", "echo the sum is wrong >&2; exit 3"], {})

	def test_missing_program_fails(self):
		with self.assertRaises(Failed):
			measure.execute(["/nowhere/program"], {})

	def test_arguments_and_environment(self):
		entry = Entry("e", "shell", ("-c", 'echo "add $0$1$X ns"', "{ms}", "{samples}", "@other"),
			      (("X", "5"),))
		commands = {"shell": ["sh"], "other": ["ignored"]}
		read = measure.run(entry, row(), commands.__getitem__, 7, 3)
		self.assertEqual([s.value for s in read], [735.0])


class Measure(unittest.TestCase):
	def rounds(self, which, once, rounds=3, entries=(OURS, THEIRS)):
		filled = [Result(entry) for entry in entries]
		measure.measure(which, filled, once, rounds)
		return filled

	def contended(self, cpus, rounds, parallel="needed"):
		"""One entry; cpus() is its CPU time by wall-clock time."""
		which = row(parallel=parallel)
		return self.rounds(which, lambda entry: samples(7, cpus=cpus()), rounds, (OURS,))[0]

	def test_entries_take_turns_forth_and_back(self):
		order = []
		self.rounds(row(), lambda entry: order.append(entry.label) or samples(1))
		self.assertEqual(order, ["ours", "theirs", "theirs", "ours", "ours", "theirs"])

	def test_median_and_least_of_all_rounds(self):
		values = iter([5, 9, 1])
		ours = self.rounds(row(), lambda entry: samples(next(values)), entries=(OURS,))[0]
		self.assertEqual((ours.median, ours.least, len(ours.samples)), (5, 1, 3))

	def test_slow_entry_has_fewer_rounds(self):
		slow = Entry("slow", "b", rounds=1)
		filled = self.rounds(row(), lambda entry: samples(1), entries=(OURS, slow))
		self.assertEqual([len(r.samples) for r in filled], [3, 1])

	def test_contended_sample_counts_from_1_9_cpus_on(self):
		cpus = iter([1.899, 1.9, 1.2, 2.0, 1.9])
		ours = self.contended(lambda: next(cpus), 5)
		self.assertEqual((len(ours.samples), len(ours.discarded), ours.status), (3, 2, "measured"))
		self.assertAlmostEqual(ours.cpu_over_wall, 1.9)

	def test_contended_sample_without_cpu_time_does_not_count(self):
		ours = self.contended(lambda: None, 1)
		self.assertEqual((ours.samples, ours.status), ([], "not parallel"))

	def test_retries_until_enough_were_parallel(self):
		cpus = iter([1.0, 1.0, 2.0, 2.0, 2.0])
		ours = self.contended(lambda: next(cpus), 2)
		self.assertEqual((len(ours.samples), len(ours.discarded)), (3, 2))

	def test_gives_up_when_never_parallel(self):
		calls = []
		ours = self.contended(lambda: calls.append(0) or 1.0, 2)
		self.assertEqual((len(calls), ours.status, ours.median), (8, "not parallel", None))

	def test_too_few_parallel_samples_are_none(self):
		cpus = iter([2.0, 2.0] + [1.0] * 6)
		ours = self.contended(lambda: next(cpus), 2)
		self.assertEqual((ours.status, len(ours.discarded)), ("not parallel", 8))

	def test_serial_sample_counts_where_cpu_time_is_only_shown(self):
		ours = self.contended(lambda: 1.0, 2, "shown")
		self.assertEqual((len(ours.samples), ours.discarded), (2, []))

	def test_failure_stops_its_entry_and_no_other(self):
		calls = []

		def once(entry):
			calls.append(entry)
			if entry is OURS:
				raise Failed("wrong sum")
			return samples(1)

		ours, theirs = self.rounds(row(), once)
		self.assertEqual((calls.count(OURS), calls.count(THEIRS)), (1, 3))
		self.assertEqual((ours.status, ours.error, len(theirs.samples)), ("failed", "wrong sum", 3))

	def test_missing_peer_is_not_run(self):
		ours, theirs = Result(OURS), Result(THEIRS, missing="needs golang-go")
		measure.measure(row(), [ours, theirs], lambda entry: samples(1), 2)
		self.assertEqual((len(ours.samples), len(theirs.samples), theirs.status), (2, 0, "not here"))


class Verdict(unittest.TestCase):
	def test_ratio_is_ours_by_theirs(self):
		self.assertEqual(measure.ratio(*results([1, 2, 3], [8, 8, 2])), 0.25)

	def test_ratio_needs_both(self):
		self.assertIsNone(measure.ratio(*results([1], [])))
		self.assertIsNone(measure.ratio(*results([1], [0])))

	def test_target_is_reached_at_its_limit(self):
		self.assertEqual(measure.verdict(Target(0.25, "theirs"), *results([2], [8])), "yes")
		self.assertEqual(measure.verdict(Target(0.24, "theirs"), *results([2], [8])), "no")

	def test_absolute_target(self):
		ours = results([6], [])[0]
		self.assertEqual([measure.verdict(Target(limit), ours) for limit in (6, 5.9)], ["yes", "no"])

	def test_says_why_it_is_not_known(self):
		ours, theirs = results([1], [])
		theirs.missing = "needs golang-go"
		self.assertEqual(measure.verdict(Target(1, "theirs"), ours, theirs), "not here")
		theirs.missing, theirs.discarded = "", samples(1, cpus=1)
		self.assertEqual(measure.verdict(Target(1, "theirs"), ours, theirs), "not parallel")
		ours.error = "wrong sum"
		self.assertEqual(measure.verdict(Target(1, "theirs"), ours, theirs), "failed")


class Report(unittest.TestCase):
	def setUp(self):
		self.row = row(targets=(Target(0.25, "theirs"), Target(6)), parallel="needed")
		self.measured = [(self.row, results([1, 2, 3], [8]))]

	def test_table_has_a_line_for_each_comparison(self):
		first, second = list(report.lines(*self.measured[0]))
		self.assertEqual(first, ("what it is", "2.00 ns (2.00 CPUs)", "", "", "<= 6 ns", "yes", ""))
		self.assertEqual(second, ("", "", "theirs", "8.00 ns (2.00 CPUs)", "<= 0.25", "yes", "0.250"))

	def test_ratio_is_in_the_last_column(self):
		text = report.table(self.measured).splitlines()
		self.assertTrue(text[0].endswith("tally / peer") and text[-1].endswith(" 0.250"), text)
		self.assertEqual(len(text[0]), len(text[-1]))

	def test_missing_peer_is_a_line(self):
		self.measured[0][1][1] = Result(THEIRS, missing="needs golang-go")
		self.assertIn(("", "", "theirs", "needs golang-go", "<= 0.25", "not here", ""),
			      list(report.lines(*self.measured[0])))

	def test_json_line_for_each_measurement(self):
		ours, theirs = map(json.loads, report.jsonl(self.measured).splitlines())
		want = {"name": "name/ours", "unit": "ns", "median": 2, "min": 1, "runs": 3,
			"cpu_over_wall": 2.0, "peer": "theirs", "ratio": 0.25}
		self.assertEqual({key: ours[key] for key in want}, want)
		self.assertEqual([t["reached"] for t in ours["targets"]], ["yes", "yes"])
		self.assertEqual((theirs["name"], theirs["ratio"]), ("name/theirs", 1.0))

	def test_document_is_filled_between_its_marks(self):
		with tempfile.TemporaryDirectory() as folder:
			path = pathlib.Path(folder, "performance.md")
			path.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
			report.write_doc(path, self.measured, ["a machine"])
			text = path.read_text()
			self.assertTrue(text.startswith("before\n") and text.endswith("\nafter\n"), text)
			self.assertNotIn("old", text)
			self.assertIn("| theirs | 8.00 ns (2.00 CPUs) | <= 0.25 | yes | 0.250 |", text)
			self.assertIn("All targets are reached.", text)
			path.write_text("no marks")
			with self.assertRaises(ValueError):
				report.write_doc(path, self.measured, [])

	def test_document_lists_what_was_missed(self):
		text = report.markdown([(self.row, results([7], [14]))], [])
		self.assertIn("- what it is: 0.500 x theirs, not 0.25\n", text)
		self.assertIn("- what it is: 7.00 ns, not 6\n", text)

	def test_real_document_has_the_marks(self):
		text = pathlib.Path(os.environ["TALLY_SOURCE"], "doc", "performance.md").read_text()
		self.assertLess(text.index(report.BEGIN), text.index(report.END))


class Machine(unittest.TestCase):
	def test_says_when_it_was_not_quiet(self):
		self.assertNotIn("rough", machine.quiet(5.0))
		self.assertIn("other programs had 83 % of the CPUs meanwhile: not a quiet machine", machine.quiet(83.4))

	def test_own_work_is_not_that_of_others(self):
		load = machine.Load()
		wall, busy, own = load.start
		load.now = lambda: (wall + 1, busy + 0.5, own + 0.5)
		self.assertAlmostEqual(load.others(), 0)
		load.now = lambda: (wall + 1, busy + 0.5 * os.cpu_count(), own)
		self.assertAlmostEqual(load.others(), 50)


class Rows(unittest.TestCase):
	def test_names_differ_and_programs_and_targets_exist(self):
		self.assertEqual(len({r.name for r in rows.ROWS}), len(rows.ROWS))
		for r in rows.ROWS:
			labels = [entry.label for entry in r.entries]
			self.assertEqual(len(set(labels)), len(labels), r.name)
			for target in r.targets:
				self.assertIn(target.peer, ["", *labels[1:]], r.name)
			for entry in r.entries:
				for name in entry.programs:
					self.assertIn(name, rows.PROGRAMS, r.name)

	def test_every_program_is_used(self):
		used = {name for r in rows.ROWS for entry in r.entries for name in entry.programs}
		self.assertEqual(used, set(rows.PROGRAMS))


if __name__ == "__main__":
	unittest.main()
