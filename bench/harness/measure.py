"""Runs benchmark programs in turn, and makes medians, ratios and verdicts of what they print.

A row compares tally with its peers. Its entries run one after the other, round after round, so that whatever
else the machine does meets all of them. A sample of a contended row counts only where the CPU time of all
threads was at least 1.9 times the wall-clock time: otherwise the threads ran one after the other, and there was
no contention. Such samples are discarded, and the entry gets more rounds, up to a bound.
"""
import dataclasses
import os
import statistics
import subprocess

PARALLEL = 1.9
ENOUGH = 3  # samples of a contended entry that make a median
TIMEOUT = 120


@dataclasses.dataclass(frozen=True)
class Entry:
	"""One of those that a row compares: a program and its arguments.

	The argument @NAME stands for the words that run the program NAME; {ms} and {samples} stand for the
	numbers of the run.
	"""
	label: str
	program: str
	args: tuple = ()
	env: tuple = ()  # pairs
	rounds: int = 0  # at most so many rounds, for what is slow; 0: as all

	@property
	def programs(self):
		return [self.program] + [arg[1:] for arg in self.args if arg.startswith("@")]


@dataclasses.dataclass(frozen=True)
class Target:
	"""tally's median is to be at most `limit` times the peer's, or, without a peer, at most `limit`."""
	limit: float
	peer: str = ""


@dataclasses.dataclass(frozen=True)
class Row:
	name: str
	what: str
	unit: str
	entries: tuple  # the first is tally's; the others are peers
	targets: tuple = ()
	# "" - the CPU time does not matter; "shown"; "needed" - only what was really parallel counts
	parallel: str = ""
	ms: int = 20
	rounds: int = 5
	samples: int = 3
	machine: bool = False  # says something of the machine; no entry is tally's


@dataclasses.dataclass
class Sample:
	value: float
	unit: str
	cpu_over_wall: float = None


@dataclasses.dataclass
class Result:
	"""What is known of one entry of a row."""
	entry: Entry
	missing: str = ""  # why the peer is not here
	error: str = ""  # what went wrong: a defect, of tally or of the benchmark
	samples: list = dataclasses.field(default_factory=list)
	discarded: list = dataclasses.field(default_factory=list)

	@property
	def median(self):
		return statistics.median(s.value for s in self.samples) if self.samples else None

	@property
	def least(self):
		return min(s.value for s in self.samples) if self.samples else None

	@property
	def cpu_over_wall(self):
		known = [s.cpu_over_wall for s in self.samples or self.discarded if s.cpu_over_wall is not None]
		return statistics.median(known) if known else None

	@property
	def status(self):
		if self.missing:
			return "not here"
		if self.error:
			return "failed"
		if self.samples:
			return "measured"
		return "not parallel" if self.discarded else "not run"


class Failed(Exception):
	pass


def parse(text, unit):
	"""The samples in what a program has printed: lines NAME VALUE UNIT [cpu_over_wall=X]."""
	samples = []
	for line in text.splitlines():
		words = line.split()
		if len(words) < 3:
			raise Failed(f"no sample: {line!r}")
		try:
			sample = Sample(float(words[1]), words[2])
			for word in words[3:]:
				key, _, value = word.partition("=")
				if key != "cpu_over_wall":
					raise Failed(f"no sample: {line!r}")
				sample.cpu_over_wall = float(value)
		except ValueError:
			raise Failed(f"no sample: {line!r}") from None
		if sample.unit != unit:
			raise Failed(f"a sample in {sample.unit} instead of {unit}")
		samples.append(sample)
	if not samples:
		raise Failed("printed no sample")
	return samples


def execute(command, env):
	"""The output of a program; Failed when it does not end with 0."""
	try:
		done = subprocess.run(command, env={**os.environ, **env}, capture_output=True, text=True,
				      timeout=TIMEOUT, stdin=subprocess.DEVNULL, check=False)
	except subprocess.TimeoutExpired:
		raise Failed(f"took more than {TIMEOUT} s") from None
	except OSError as error:
		raise Failed(str(error)) from None
	if done.returncode:
		words = (done.stderr.strip() or "no reason given").splitlines()
		raise Failed(f"ended with {done.returncode}: {words[0]}")
	return done.stdout


def run(entry, row, command, ms, samples):
	"""Runs an entry once; command(NAME) gives the words that run the program NAME."""
	words = list(command(entry.program))
	for arg in entry.args:
		if arg.startswith("@"):
			words += command(arg[1:])
		else:
			words.append(arg.replace("{ms}", str(ms)).replace("{samples}", str(samples)))
	return parse(execute(words, dict(entry.env)), row.unit)


def sort(row, result, samples):
	"""Keeps what counts, and discards the rest."""
	for sample in samples:
		serial = sample.cpu_over_wall is None or sample.cpu_over_wall < PARALLEL
		(result.discarded if row.parallel == "needed" and serial else result.samples).append(sample)


def measure(row, results, once, rounds, retries=3):
	"""Fills `results`, one for each entry of `row`, by calling once(entry), which returns samples."""
	for number in range(rounds * (1 + retries)):
		# Forth and back, so that no entry always runs first.
		for result in results if number % 2 == 0 else results[::-1]:
			if result.missing or result.error:
				continue
			limit = min(rounds, result.entry.rounds or rounds)
			again = row.parallel == "needed" and len(result.samples) < ENOUGH
			if number >= limit and not (again and number < limit * (1 + retries)):
				continue
			try:
				sort(row, result, once(result.entry))
			except Failed as failed:
				result.error = str(failed)
	for result in results:
		if row.parallel == "needed" and len(result.samples) < ENOUGH:
			result.discarded += result.samples
			result.samples = []


def ratio(ours, theirs):
	"""tally's median as a multiple of a peer's, or None where there is no such thing."""
	if ours.median is None or theirs.median is None or theirs.median <= 0:
		return None
	return ours.median / theirs.median


def verdict(target, ours, theirs=None):
	"""Whether a target was reached: yes, no, or why that is not known."""
	for result in (ours, theirs):
		if result is not None and result.status != "measured":
			return result.status
	measured = ours.median if theirs is None else ratio(ours, theirs)
	if measured is None:
		return "not run"
	return "yes" if measured <= target.limit else "no"
