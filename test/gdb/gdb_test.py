#!/usr/bin/env python3
"""tools/tally-gdb.py: what it lists, and that it finds the frames of parked tasks, in a process and in a core file."""
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
CC = os.environ.get("CC", "cc")
PROGRAM = HERE / "blocked.c"
LINES = PROGRAM.read_text().split("\n")
END = "@@@@"
# The last byte of the first guard: gdb cannot read it, if the kernel has guards inside of mappings.
GUARD = "python print(memory(list(Runtime().guards(next(Runtime().slabs())))[0][1] - 1, 1))"


def line(text):
	"""The number of the only line that contains the text."""
	numbers = [number for number, content in enumerate(LINES, 1) if text in content]
	assert len(numbers) == 1, (text, numbers)
	return numbers[0]


class Gdb:
	"""A session of gdb, with the script, in which commands are said one after the other."""

	def __init__(self, folder, *files):
		self.process = subprocess.Popen(["gdb", "-q", "-nx", *map(str, files)], cwd=folder, text=True,
			stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
			env={name: value for name, value in os.environ.items() if name != "DEBUGINFOD_URLS"} |
				{"LD_LIBRARY_PATH": str(folder)})
		for setting in ("prompt", "width 0", "pagination off", "confirm off"):
			self.say(f"set {setting}")
		loaded = self.say(f"source {SOURCE}/tools/tally-gdb.py")
		assert loaded == "", loaded

	def say(self, command):
		"""What gdb answers."""
		self.process.stdin.write(f"{command}\necho \\n{END}\\n\n")
		self.process.stdin.flush()
		text = ""
		while not text.endswith(f"\n{END}\n"):
			line = self.process.stdout.readline()
			if line == "":
				raise AssertionError(f"gdb ended after {command}: {text}")
			text += line
		assert command == GUARD or "Python Exception" not in text and "Traceback" not in text, text
		return text.removesuffix(f"\n{END}\n").removeprefix("\n")

	def close(self):
		self.process.stdin.close()
		self.process.stdout.close()
		self.process.wait()


def table(text):
	"""The rows of a list of tasks, in columns, and what comes after them."""
	rows = re.findall(r"^[* ] (t?\d+) +(\S.*?)  +(\S.*?)  +(\S.*)$", text, re.M)
	return rows, text[re.search(r"(?m)^\d+ queued, not started", text).start():]


def in_both(test):
	"""A test in the process and in the core file."""

	def wrapped(self):
		for name, gdb in (("process", self.live), ("core", self.core)):
			with self.subTest(name):
				test(self, gdb)
				# Whatever was said, one comes back to where one was.
				gdb.say("tally-task 0")
				self.assertRegex(gdb.say("bt 1"), r"^#0 +here \(\) ")

	return wrapped


class Build:
	"""The program, built in one way, stopped where all tasks are in their states: as a process, and its core file."""
	options = ["-O1", "-g"]
	shared = False
	strip = None  # an option of strip, for the library

	@classmethod
	def setUpClass(cls):
		folder = tempfile.TemporaryDirectory()
		cls.addClassCleanup(folder.cleanup)
		cls.folder = pathlib.Path(folder.name).resolve()
		library = shutil.copy(BUILD / ("libtally.so" if cls.shared else "libtally.a"), cls.folder)
		if cls.shared:
			library = pathlib.Path(library).rename(cls.folder / "libtally.so.0")
		if cls.strip:
			subprocess.run(["strip", cls.strip, library], check=True)
		program = cls.folder / "blocked"
		subprocess.run([CC, *cls.options, f"-I{SOURCE}/include", "-o", program, PROGRAM, library, "-pthread"], check=True)
		cls.live = Gdb(cls.folder, program)
		cls.addClassCleanup(cls.live.close)
		cls.before = cls.live.say("info tally-tasks"), cls.live.say("tally-task 1")
		cls.live.say("break here")
		stopped = cls.live.say("run")
		if "here ()" not in stopped:
			if "ptrace" in stopped:
				print(f"gdb may not trace processes here: {stopped}")
				sys.exit(77)
			raise AssertionError(stopped)
		cls.guards = [cls.live.say(GUARD)]
		cls.saved = cls.live.say(f"tally-gcore {cls.folder}/core")
		cls.guards.append(cls.live.say(GUARD))
		cls.core = Gdb(cls.folder, program, cls.folder / "core")
		cls.addClassCleanup(cls.core.close)

	def ids(self, gdb, function):
		return [row[0] for row in table(gdb.say("info tally-tasks"))[0] if function in row[2]]

	def plain(self, gdb):
		"""The ID of main: of gdb's number of the thread, which a core file may change."""
		[number] = self.ids(gdb, "(a plain thread)")
		return number

	def at(self, name, text):
		return f"{name} at blocked.c:{line(text)}"

	@in_both
	def test_the_list(self, gdb):
		indexed = self.at("waits_for_other", "static void waits_for_other(")
		expected = [("runs", self.at("runs", "static void runs(")),
			("has yielded", self.at("yields", "static void yields(")),
			*[("waits for wait group ADDRESS <gate>", self.at("waits_deep", "static void waits_deep("))] * 2,
			*[("waits for wait group ADDRESS <other_gate>", f"index {i} of {indexed}") for i in range(3)],
			("waits for wait group ADDRESS <all>", "(a plain thread)")]
		rows, rest = table(gdb.say("info tally-tasks"))
		found = [(re.sub(r"\b0x[0-9a-f]+", "ADDRESS", state), function) for _, state, function, _ in rows]
		self.assertEqual(sorted(found), sorted(expected))
		for row in rows:
			self.assertRegex(row[3], r"^\d+ \(LWP \d+\)$")
			self.assertEqual(row[0][0] == "t", row[2] == "(a plain thread)")
		numbers = [row[0] for row in rows]
		self.assertEqual(len(set(numbers)), len(numbers))
		self.assertRegex(rest, rf"^12 queued, not started:\n +7 {indexed}\n"
			rf" +5 {self.at('never_starts', 'static void never_starts(')}\s*$")

	@in_both
	def test_the_list_counted(self, gdb):
		text = gdb.say("info tally-tasks -count")
		self.assertRegex(text, r"(?m)^3 +waits for wait group 0x[0-9a-f]+ <other_gate> +waits_for_other at ")
		self.assertRegex(text, r"(?m)^2 +waits for wait group 0x[0-9a-f]+ <gate> +waits_deep at ")
		self.assertRegex(text, r"(?m)^1 +has yielded +yields at ")
		self.assertEqual(len(re.findall(r"(?m)^\d+ +(?:runs|has|waits|was) ", text)), 5, text)

	@in_both
	def test_backtraces(self, gdb):
		words = []
		for number in self.ids(gdb, "waits_deep"):
			text = gdb.say(f"tally-task {number} bt")
			frames = [(name, int(at)) for name, at in re.findall(r"in (\w+) \(.*\) at \S*/blocked\.c:(\d+)$", text, re.M)]
			self.assertEqual(frames, [("deeper", line("/* waits here")), *[("deeper", line("deeper(depth - 1"))] * 2,
				("waits_deep", line("/* calls deeper"))], text)
			if "optimized out" not in "".join(re.findall(r" in deeper .*", text)):
				self.assertEqual(re.findall(r"depth=(?:depth@entry=)?(\d)", text), ["0", "1", "2"], text)
			found = re.findall(r'word=(?:word@entry=)?0x[0-9a-f]+ "(\w+)"', text)
			self.assertEqual(len(found), 3, text)
			words.append(*set(found))
			self.assertRegex(text.strip().split("\n")[-1], r"tally(__|\.)context_start \(\)")
			# Registers too: the outer frames find theirs in memory, but the innermost two must agree.
			self.assertEqual(len(set(re.findall(r"^#[12] .*\(thread=(0x[0-9a-f]+),", text, re.M))), 0 if self.strip else 1, text)
			self.assertRegex(text, r"^#1 ")
			self.assertNotIn("here ()", text)
		self.assertEqual(sorted(words), ["one", "two"])
		[number] = self.ids(gdb, "yields")
		self.assertRegex(gdb.say(f"tally-task {number} bt"), rf" in yields \(.*:{line('/* yields here')}\n")
		[number] = self.ids(gdb, "runs at")
		self.assertRegex(gdb.say(f"tally-task {number} bt"), r"^#0 +here \(\).*\n#1 .* in runs \(")

	@in_both
	def test_a_plain_thread_that_waits(self, gdb):
		self.assertRegex(gdb.say(f"tally-task {self.plain(gdb)} bt"), rf"in main \(\) at \S*blocked\.c:{line('/* main waits')}\s*$")

	@in_both
	def test_all(self, gdb):
		parts = re.split(r"(?m)^Task (?=t?\d+, )", gdb.say("tally-task all bt"))[1:]
		self.assertEqual(len(parts), 8)
		for part in parts:
			function = re.match(r"t?\d+, (?:index \d of )?(\w+|\(a plain thread\))", part)[1]
			self.assertRegex(part, rf" in {'main' if function[0] == '(' else function} \(")

	@in_both
	def test_going_to_a_task(self, gdb):
		rows = table(gdb.say("info tally-tasks"))[0]
		for number, _, function, _ in rows:
			if "waits_for_other" not in function:
				continue
			index = int(re.match(r"index (\d)", function)[1])
			self.assertRegex(gdb.say(f"tally-task {number}"), rf"^Task {number}, index {index} of waits_for_other ")
			self.assertRegex(gdb.say("frame function waits_for_other"), rf"blocked\.c:{line('/* waits for the other')}\b")
			self.assertRegex(gdb.say("print mine + 1000"), rf"= {1100 + index}\b")
			self.assertRegex(gdb.say("up"), r"^#\d+ .*call ")
			self.assertRegex(gdb.say("down"), r"^#\d+ .*waits_for_other ")
			marked = re.findall(r"(?m)^\* (\S+)", gdb.say("info tally-tasks"))
			self.assertEqual(marked, [number])
			# A command in another task, and one is back in this.
			self.assertIn("in main ()", gdb.say(f"tally-task {self.plain(gdb)} bt"))
			self.assertRegex(gdb.say("print mine"), rf"= {100 + index}\b")

	def test_guards_are_put_up_again(self):
		self.assertIn("Saved corefile", self.saved)
		self.assertNotIn("warning: Memory read failed for corefile section, 1048576 bytes", self.saved)
		self.assertEqual(*self.guards)

	@in_both
	def test_what_is_not_there(self, gdb):
		for text in self.before:
			self.assertIn("The program is not being run, and there is no core file.", text)
		self.assertIn("No task 123456 has started", gdb.say("tally-task 123456"))
		self.assertIn("No task t77 has started", gdb.say("tally-task t77 bt"))
		for text in ("tally-task", "tally-task x bt", "tally-task all", "tally-task -1"):
			self.assertIn("Usage: tally-task", gdb.say(text))
		self.assertIn("Usage: info tally-tasks", gdb.say("info tally-tasks now"))
		self.assertIn('No symbol "nonsense"', gdb.say(f"tally-task {self.plain(gdb)} print nonsense"))

	def test_zz_the_program_goes_on(self):
		# A task that one is in does not change what the program does, and is left.
		self.live.say(f"tally-task {self.ids(self.live, 'yields')[0]}")
		self.assertIn("exited normally", self.live.say("continue"))
		self.assertIn("The program is not being run", self.live.say("info tally-tasks"))


class Static(Build, unittest.TestCase):
	options = ["-O0", "-g"]

	def test_who_is_on_the_way_to_its_wait(self):
		gdb = Gdb(self.folder, self.folder / "blocked")
		self.addCleanup(gdb.close)
		gdb.say("break main")
		gdb.say("run")
		gdb.say("break tally__context_start thread 1")
		self.assertIn("tally__context_start", gdb.say("continue"))
		number = self.plain(gdb)
		self.assertRegex(gdb.say(f"tally-task {number} bt"), rf"in main \(\) at \S*blocked\.c:{line('/* main waits')}\s*$")
		gdb.say("kill")


class Shared(Build, unittest.TestCase):
	options = ["-O2", "-g", "-fno-optimize-sibling-calls"]
	shared = True


class SharedWithoutDebugInformation(Build, unittest.TestCase):
	options = ["-O1", "-g", "-fomit-frame-pointer"]
	shared = True
	strip = "--strip-debug"

	@in_both
	def test_going_to_a_task(self, gdb):
		# gdb names the library's frames, and knows no more of them. (It takes two underscores for Ada's.)
		[number] = self.ids(gdb, "yields")
		self.assertRegex(gdb.say(f"tally-task {number}"), r"in tally(__|\.)loop_suspend \(\) at \S*libtally\.so")


class Elsewhere(unittest.TestCase):
	def test_a_program_without_tasks(self):
		with tempfile.TemporaryDirectory() as folder:
			source = pathlib.Path(folder) / "empty.c"
			source.write_text("int main(void)\n{\n\treturn 0;\n}\n")
			subprocess.run([CC, "-g", "-o", f"{folder}/empty", source], check=True)
			gdb = Gdb(folder, f"{folder}/empty")
			gdb.say("break main")
			gdb.say("run")
			for command in ("info tally-tasks", "tally-task 1"):
				self.assertIn("There are no tasks of tally here: no symbol tally__debug.", gdb.say(command))
			gdb.close()


if not shutil.which("gdb"):
	print("no gdb")
	sys.exit(77)
unittest.main()
