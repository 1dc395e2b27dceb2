"""tally-gdb.py - tasks of tally in gdb: which there are, and any command in the place of one of them.

    (gdb) source /usr/local/share/tally/tally-gdb.py
    (gdb) info tally-tasks            every task that has started, and how many have not
    (gdb) info tally-tasks -count     the same, counted by function and by what they wait for
    (gdb) tally-task 7                goes to task 7, as `thread 7` goes to a thread, and shows its backtrace
    (gdb) tally-task 7 info locals    a command there, and back
    (gdb) tally-task all bt           a command in each of them
    (gdb) tally-task 0                leaves the task
    (gdb) tally-gcore FILE            a core file with the tasks' stacks, which gdb's own may lack

In a process and in a core file. What it needs from libtally is one symbol, tally__debug (src/sched/dump.c): so
neither the library nor the program may have lost its table of symbols; debug information is only needed for what gdb
itself makes of it. gdb 12 or later, x86-64 and aarch64.

How one gets into a task that is not on a processor: what it needs to go on lies on its stack. We claim, as an
unwinder, to know who called the innermost frame of the task's thread: the parked task. Its frames are the outer
ones then, and a filter hides the innermost. No register is written, so a core file will do.
"""
import os
import re

import gdb
from gdb.FrameDecorator import FrameDecorator  # noqa: F401, loads what frame filters need
from gdb.unwinder import Unwinder, register_unwinder

VERSION = 1
# Tasks in a queue that are looked at, one by one, for their functions.
MOST_QUEUED = 10000

# Of each machine: its names of pc and sp, the registers that a suspended context has from its stack pointer on, 8
# bytes each, the place among them of the address where it goes on, and its size (src/platform/*/context.S).
MACHINES = {
	"i386:x86-64": ("rip", "rsp", ["r15", "r14", "r13", "r12", "rbx", "rbp"], 6, 7 * 8),
	"aarch64": ("pc", "sp", ["x29", None, *(f"x{n}" for n in range(19, 29))], 1, 160),
}
# Where return addresses are signed, the signature is in the bits that no address of a user has.
ADDRESS_BITS = (1 << 48) - 1
# madvise of Linux, what src/platform/linux/pages.c makes guards with.
MADV_GUARD_INSTALL, MADV_GUARD_REMOVE = 102, 103


def errors(command):
	"""What gdb finds wrong is told as gdb tells it, not as a mistake of this script."""

	def wrapped(self, argument, from_tty):
		try:
			command(self, argument, from_tty)
		except gdb.error as error:
			raise gdb.GdbError(str(error))

	return wrapped


def memory(address, size):
	return bytes(gdb.selected_inferior().read_memory(address, size))


def word(address, size=8):
	return int.from_bytes(memory(address, size), "little")


class Symbols:
	"""Names of addresses, as text. Remembered: many tasks have the same."""

	def __init__(self):
		self.known = {}

	def name(self, address):
		if address not in self.known:
			text = gdb.execute(f"info symbol {address:#x}", to_string=True)
			self.known[address] = text.split(" in section ")[0] if " in section " in text else None
		return self.known[address]

	def function(self, address):
		name = self.name(address) or f"{address:#x}"
		try:
			symbol = gdb.block_for_pc(address).function
			return f"{name} at {os.path.basename(symbol.symtab.filename)}:{symbol.line}"
		except (AttributeError, RuntimeError):
			return name  # without debug information

	def object(self, address):
		name = self.name(address)
		return f"{address:#x} <{name}>" if name else f"{address:#x}"


class Task:
	"""One that has started, or a plain thread's own code (`plain`), which has no number of its own."""

	def __init__(self, number, lwp, state, call=None, frame=0, plain=False):
		self.number, self.lwp, self.state, self.call = number, lwp, state, call
		self.frame = frame  # where it is parked; 0: its thread is in it
		self.plain = plain

	def thread(self):
		"""gdb's. None: it does not know it, as when it looks into a container from outside."""
		for thread in gdb.selected_inferior().threads():
			if thread.ptid[1] == self.lwp or (thread.ptid[1] == 0 and thread.ptid[0] == self.lwp):
				return thread
		return None

	def name(self):
		thread = self.thread()
		if not self.plain:
			return str(self.number)
		return f"t{thread.num}" if thread else "t?"


class Runtime:
	"""What the library has in memory."""

	def __init__(self):
		text = gdb.execute("info address tally__debug", to_string=True) if self.is_there() else ""
		found = re.search(r"0x[0-9a-f]+", text)
		if not found:
			raise gdb.GdbError("There are no tasks of tally here: no symbol tally__debug. (The program has not started "
				"yet, or does not use them, or its or libtally's table of symbols was stripped.)")
		self.at = {}
		address = int(found[0], 16)
		while True:
			entry = memory(address, 32)
			name = entry[:24].rstrip(b"\0").decode("ascii", "replace")
			if not name or len(self.at) > 1000:
				break
			self.at[name] = int.from_bytes(entry[24:], "little")
			address += 32
		if self.at.get("version") != VERSION:
			raise gdb.GdbError(f"This libtally has version {self.at.get('version')} of the table that tally-gdb.py reads; "
				f"it knows {VERSION}. Please take the script that was installed with the library.")
		self.symbols = Symbols()

	@staticmethod
	def is_there():
		try:
			return "0x" in gdb.execute("info address tally__debug", to_string=True)
		except gdb.error:
			return False

	def field(self, address, name, size=8):
		return word(address + self.at[name], size)

	def list(self, first, link):
		"""The addresses of a list, unless it is torn or goes in circles."""
		seen = set()
		while first and first not in seen:
			seen.add(first)
			yield first
			first = self.field(first, link)

	def threads(self):
		for thread in self.list(word(self.at["threads"]), "thread.next"):
			if self.field(thread, "thread.in_use", 1):
				yield thread

	def awake(self):
		"""The tasks that were woken and have not gone on yet."""
		for thread in self.threads():
			for start in ("thread.ready", "thread.woken_before", "thread.mailbox"):
				yield from self.list(self.field(thread, start), "task.next")

	def call(self, task):
		"""What it runs, as text."""
		text = self.symbols.function(self.field(task, "task.call"))
		if self.field(task, "task.flags", 4) & self.at["task.indexed"]:
			text = f"index {self.field(task, 'task.index', 4)} of {text}"
		return text

	def waits(self, group):
		return f"waits for wait group {self.symbols.object(group)}"

	def slabs(self):
		return self.list(word(self.at["slabs"]), "slab.next")

	def guards(self, slab):
		"""The ranges below its stacks."""
		for i in range(self.at["slab.count"]):
			stack = slab + self.at["slab.stacks"] + i * self.at["stack.bytes"]
			top = self.field(stack, "stack.top")
			if top:
				yield top - self.field(slab, "slab.slot_bytes"), self.field(stack, "stack.bottom")

	def parked(self):
		"""Tasks that are blocked, have yielded, or were woken and not resumed yet."""
		awake = set(self.awake())
		size = self.at["stack.bytes"]
		for slab in self.slabs():
			stacks = memory(slab + self.at["slab.stacks"], self.at["slab.count"] * size)
			for i in range(self.at["slab.count"]):
				at = i * size + self.at["stack.task"]
				task = int.from_bytes(stacks[at:at + 8], "little")
				frame = self.field(task, "task.frame") if task else 0
				if not frame:
					continue
				group = self.field(frame, "frame.waits_for")
				state = self.waits(group) if group else "has yielded"
				if group and task in awake:
					state = f"was woken by wait group {self.symbols.object(group)}"
				yield Task(self.field(task, "task.id"), self.lwp(frame), state, self.call(task), self.left(frame))

	def left(self, frame):
		"""The frame, if its thread has left it; 0: it is on its way."""
		return frame if frame and self.field(frame, "frame.stack_pointer") else 0

	def lwp(self, frame):
		return self.field(self.field(frame, "frame.thread"), "thread.number", 4)

	def running(self):
		for thread in self.threads():
			lwp = self.field(thread, "thread.number", 4)
			task = self.field(thread, "thread.running")
			if task:
				yield Task(self.field(task, "task.id"), lwp, "runs", self.call(task))
			group = self.field(thread, "thread.waits_for")
			if group:
				# It may run tasks meanwhile: then it is parked itself.
				frame = self.field(thread + self.at["thread.native"], "task.frame")
				yield Task(0, lwp, self.waits(group), "(a plain thread)", self.left(frame), plain=True)

	def tasks(self):
		return sorted([*self.running(), *self.parked()], key=lambda task: (task.number, task.lwp))

	def queued(self):
		"""Numbers of tasks that have not started: for each function, and of those that were not looked at."""
		counts, unseen = {}, 0

		def add(task):
			function = self.symbols.function(self.field(task, "task.call"))
			number = 1
			if self.field(task, "task.flags", 4) & self.at["task.indexed"]:
				number = self.field(task, "task.end", 4) - self.field(task, "task.index", 4)
			counts[function] = counts.get(function, 0) + number

		size = self.field(self.at["queue"], "queue.size")
		# Where it is empty its ends say nothing.
		for i, task in enumerate(self.list(self.field(self.at["queue"], "queue.first"), "task.next") if size else ()):
			if i == min(size, MOST_QUEUED):
				break
			add(task)
		unseen += max(0, size - MOST_QUEUED)
		for thread in self.threads():
			deque = thread + self.at["thread.deque"]
			top, bottom = self.field(deque, "deque.top"), self.field(deque, "deque.bottom")
			buffer = self.field(deque, "deque.buffer")
			count = max(0, bottom - top)
			for i in range(top, top + min(count, MOST_QUEUED)):
				add(word(buffer + self.at["buffer.slot"] + 8 * (i & self.field(buffer, "buffer.mask"))))
			unseen += max(0, count - MOST_QUEUED)
		return counts, unseen


class Place:
	"""The parked task that one is in, of one thread: how to get from the thread's innermost frame to the task."""

	def __init__(self, frame):
		"""frame: of the runtime's, where the task is parked. The thread is the selected one."""
		newest = gdb.newest_frame()
		machine = MACHINES.get(newest.architecture().name())
		if machine is None:
			raise gdb.GdbError(f"tally has no tasks on {newest.architecture().name()}.")
		self.pc_name, self.sp_name, names, back, size = machine
		self.ptid = gdb.selected_thread().ptid
		self.pc, self.sp = int(newest.read_register(self.pc_name)), int(newest.read_register(self.sp_name))
		runtime = Runtime()
		self.base = runtime.field(frame, "frame.stack_pointer")
		context = memory(self.base, size)
		self.saved = {name: context[8 * i:8 * i + 8] for i, name in enumerate(names) if name}
		target = int.from_bytes(context[8 * back:8 * back + 8], "little") & ADDRESS_BITS
		self.saved[self.pc_name] = target.to_bytes(8, "little")
		self.saved[self.sp_name] = (self.base + size).to_bytes(8, "little")

	def hides(self, frame):
		"""It is the innermost of the thread, which the task has been put behind, or inlined into that."""
		return frame.pc() == self.pc and int(frame.read_register(self.sp_name)) == self.sp


class FrameId:
	def __init__(self, sp, pc):
		self.sp, self.pc = sp, pc


class ParkedTask(Unwinder):
	"""The caller of a thread's innermost frame is the task that one has gone to."""

	def __init__(self):
		super().__init__("tally-task")
		self.enabled = False
		self.place = None
		self.origin = None  # the thread that one went to a task from

	def __call__(self, pending):
		place = self.place
		if place is None or gdb.selected_thread() is None or gdb.selected_thread().ptid != place.ptid:
			return None
		pc, sp = (pending.read_register(name) for name in (place.pc_name, place.sp_name))
		if (int(pc), int(sp)) != (place.pc, place.sp):
			return None
		# Below the task's stack: gdb takes outer frames that lie lower for damage.
		kind = pending.architecture().integer_type(64, False)
		info = pending.create_unwind_info(FrameId(gdb.Value(place.base).cast(kind), pc))
		for name, content in place.saved.items():
			info.add_saved_register(name, gdb.Value(content, kind))
		return info

	def set(self, place):
		self.place = place
		self.enabled = place is not None
		gdb.invalidate_cached_frames()
		if place is not None:
			gdb.frame_filters[HIDING.name] = HIDING
		else:
			gdb.frame_filters.pop(HIDING.name, None)

	def forget(self):
		"""Once the program goes on, nothing of what was said holds."""
		self.origin = None
		if self.place is not None:
			self.set(None)

	def select(self):
		"""Selects the innermost frame of the task."""
		frame = gdb.newest_frame()
		while frame is not None and self.place.hides(frame):
			frame = frame.older()
		if frame is None:
			raise gdb.GdbError("gdb finds no frame of this task.")
		frame.select()


class Hiding:
	"""A frame filter: what the thread itself does is not shown among the frames of a task."""

	def __init__(self):
		self.name, self.enabled, self.priority = "tally-task", True, 1000

	def filter(self, frames):
		place = UNWINDER.place
		hide = place is not None and gdb.selected_thread().ptid == place.ptid
		for frame in frames:
			hide = hide and place.hides(frame.inferior_frame())
			if not hide:
				yield frame


def go_to(task):
	"""Makes the task what commands speak of."""
	thread = task.thread()
	if thread is None and not task.frame:
		raise gdb.GdbError(f"Task {task.name()} runs, on a thread (LWP {task.lwp}) that gdb does not know.")
	UNWINDER.set(None)
	if thread is not None and thread.ptid != gdb.selected_thread().ptid:
		thread.switch()
	if task.frame:
		UNWINDER.set(Place(task.frame))
		UNWINDER.select()
	else:
		gdb.newest_frame().select()


def find(tasks, name):
	if not re.fullmatch(r"t?[1-9]\d*", name):
		raise gdb.GdbError("Usage: tally-task ID|all|0 [COMMAND]. `info tally-tasks` lists the IDs.")
	for task in tasks:
		if task.name() == name:
			return task
	raise gdb.GdbError(f"No task {name} has started, or it has ended. `info tally-tasks` lists them.")


def need_process():
	if gdb.selected_thread() is None:
		raise gdb.GdbError("The program is not being run, and there is no core file.")


def describe(task):
	return f"Task {task.name()}, {task.call}, {task.state}" + (f" (LWP {task.lwp})" if task.lwp else "")


class Selection:
	"""What was selected, to come back to."""

	def __init__(self):
		self.thread, self.place = gdb.selected_thread(), UNWINDER.place
		self.level = gdb.selected_frame().level()

	def restore(self):
		if not self.thread.is_valid():
			return
		UNWINDER.set(None)
		self.thread.switch()
		UNWINDER.set(self.place)
		frame = gdb.newest_frame()
		while frame is not None and frame.level() < self.level:
			frame = frame.older()
		if frame is not None:
			frame.select()


class TallyTask(gdb.Command):
	"""Go to a task of tally, or run a command there.
Usage: tally-task ID             go to the task and show its backtrace
       tally-task ID COMMAND     run the command there, and come back
       tally-task all COMMAND    in each task that has started
       tally-task 0              leave the task, for where you came from; the program going on leaves it too
ID is a number of `info tally-tasks`. For a task that is parked, `up`, `down`, `frame` and whatever looks at variables
and registers speak of the task. Do not step from there: `tally-task 0` first."""

	def __init__(self):
		super().__init__("tally-task", gdb.COMMAND_STACK)

	@errors
	def invoke(self, argument, from_tty):
		name, _, command = argument.strip().partition(" ")
		need_process()
		if name == "0" and not command:
			UNWINDER.set(None)
			if UNWINDER.origin is not None and UNWINDER.origin.is_valid():
				UNWINDER.origin.switch()
			UNWINDER.origin = None
			gdb.newest_frame().select()
			return
		tasks = Runtime().tasks()
		chosen = tasks if name == "all" and command else [find(tasks, name)]
		if not command:
			print(describe(chosen[0]))
			UNWINDER.origin = UNWINDER.origin or gdb.selected_thread()
			go_to(chosen[0])
			gdb.execute("backtrace", from_tty)
			return
		before = Selection()
		try:
			for task in chosen:
				if name == "all":
					print(f"\n{describe(task)}")
				try:
					go_to(task)
					gdb.execute(command.strip(), from_tty)
				except gdb.error as error:
					if name != "all":
						raise
					print(error)
		finally:
			before.restore()


class InfoTallyTasks(gdb.Command):
	"""List the tasks of tally.
Usage: info tally-tasks           those that have started, and how many have not
       info tally-tasks -count    counted by function and by what they wait for
`t2` is the own code of the plain thread 2, which waits. The mark * is the task that commands speak of."""

	def __init__(self):
		super().__init__("info tally-tasks", gdb.COMMAND_STATUS)

	@errors
	def invoke(self, argument, from_tty):
		need_process()
		if argument.strip() not in ("", "-count"):
			raise gdb.GdbError("Usage: info tally-tasks [-count]")
		runtime = Runtime()
		tasks = runtime.tasks()
		if argument.strip() == "-count":
			rows = self.counts(tasks)
		else:
			rows = [("  ID", "STATE", "FUNCTION", "THREAD"), *map(self.row, tasks)]
		if tasks:
			widths = [max(map(len, column)) for column in list(zip(*rows))[:-1]]
			for *cells, last in rows:
				print("  ".join([*(cell.ljust(width) for cell, width in zip(cells, widths)), last]))
		counts, unseen = runtime.queued()
		print(f"{sum(counts.values()) + unseen} queued, not started" + (":" if counts else ""))
		for function, count in sorted(counts.items(), key=lambda item: -item[1]):
			print(f"{count:8} {function}")
		if unseen:
			print(f"{unseen:8} more")

	@staticmethod
	def row(task):
		thread, here = task.thread(), UNWINDER.place
		if thread is None:
			where = f"? (LWP {task.lwp})"
		else:
			where = f"{thread.num} (LWP {task.lwp})"
		# The task that one has gone to; else the one that the selected thread runs.
		if here is not None:
			marked = task.frame and here.base == Runtime().field(task.frame, "frame.stack_pointer")
		else:
			marked = not task.frame and thread is not None and thread.ptid == gdb.selected_thread().ptid
		return ("* " if marked else "  ") + task.name(), task.state, task.call, where

	@staticmethod
	def counts(tasks):
		counts = {}
		for task in tasks:
			# Not each index by itself.
			key = (task.state, re.sub(r"^index \d+ of ", "", task.call))
			counts[key] = counts.get(key, 0) + 1
		rows = [(str(count), *key) for key, count in sorted(counts.items(), key=lambda item: -item[1])]
		return [("COUNT", "STATE", "FUNCTION"), *rows]


class TallyGcore(gdb.Command):
	"""Write a core file that has the stacks of tally's tasks.
Usage: tally-gcore [FILE]
Where the kernel has guard pages inside of mappings (Linux 6.13), the gcore of gdb and the shell cannot read past the
first guard, and leaves the stacks out. This lifts the guards by calls in the process, which stands still meanwhile
otherwise, and puts them up again. A core file that the kernel writes has all of them."""

	def __init__(self):
		super().__init__("tally-gcore", gdb.COMMAND_DATA, gdb.COMPLETE_FILENAME)

	@staticmethod
	def advise(address, size, advice):
		return int(gdb.parse_and_eval(f"((int (*)(void *, unsigned long, int))madvise)((void *){address:#x}, {size}, {advice})"))

	@errors
	def invoke(self, argument, from_tty):
		need_process()
		UNWINDER.set(None)
		runtime = Runtime()
		locking = gdb.parameter("scheduler-locking")
		gdb.execute("set scheduler-locking on")
		lifted = []
		try:
			for slab in runtime.slabs():
				size = runtime.at["slab.count"] * runtime.field(slab, "slab.slot_bytes")
				if self.advise(runtime.field(slab, "slab.first_slot"), size, MADV_GUARD_REMOVE) == 0:
					lifted.append(slab)
			gdb.execute(f"generate-core-file {argument}", from_tty)
		finally:
			for slab in lifted:
				for start, end in runtime.guards(slab):
					self.advise(start, end - start, MADV_GUARD_INSTALL)
			gdb.execute(f"set scheduler-locking {locking}")


HIDING = Hiding()
UNWINDER = ParkedTask()
register_unwinder(None, UNWINDER, replace=True)
gdb.events.cont.connect(lambda _: UNWINDER.forget())
TallyTask()
InfoTallyTasks()
TallyGcore()
