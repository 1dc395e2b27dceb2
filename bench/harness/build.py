"""Builds the benchmark programs, and tally as they link it, into build/bench."""
import dataclasses
import os
import pathlib
import shlex
import shutil
import subprocess

TREE = pathlib.Path(__file__).resolve().parents[2]
OUT = TREE / "build" / "bench"
WARNINGS = ("-Wall", "-Wextra", "-Wshadow")
STRICT = ("-Wpedantic", "-Wconversion", "-Werror")


@dataclasses.dataclass(frozen=True)
class Program:
	kind: str  # c, c++, go, java; or "file": something that is there already, in the tree or tally's build
	sources: tuple  # in the tree
	package: str = ""  # the Debian package that a peer needs; none: nothing but a compiler
	tally: bool = False
	race: bool = False
	flags: tuple = ()
	libraries: tuple = ()


class Missing(Exception):
	"""A peer is not here, or does not build here: the table says so."""


class Broken(Exception):
	"""Something of tally's does not build."""


def complaint(words):
	"""Runs a command of the build; what it says where it fails, else ""."""
	environment = {**os.environ, "GOCACHE": str(OUT / "go-cache"), "GOFLAGS": "", "GO111MODULE": "off",
		       "LC_ALL": "C"}
	for name in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL"):
		environment.pop(name, None)
	try:
		done = subprocess.run([str(w) for w in words], cwd=TREE, env=environment, check=False,
				      text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
				      stderr=subprocess.STDOUT)
	except OSError as error:
		return str(error)
	if done.returncode == 0:
		return ""
	return done.stdout.strip() or f"{words[0]} ended with {done.returncode}"


def newer(output, inputs):
	"""Whether the output is there and newer than all of its inputs."""
	if not output.exists():
		return False
	made = output.stat().st_mtime
	return all(i.exists() and i.stat().st_mtime < made for i in inputs)


class Builder:
	"""Builds each program when it is first asked for."""

	def __init__(self, programs, out=OUT, cc=None, flags=()):
		self.programs = programs
		self.out = pathlib.Path(out)
		self.tree = self.out / "tally"  # where tally is built
		self.cc = shlex.split(cc or os.environ.get("CC") or "cc")
		self.flags = tuple(flags)
		self.made = {}

	def tally(self):
		"""Builds tally and its command as `make install` would."""
		self.out.mkdir(parents=True, exist_ok=True)
		settings = {"TALLY_TESTS": "OFF", "CMAKE_BUILD_TYPE": "RelWithDebInfo",
			    "CMAKE_C_COMPILER": self.cc[0]}
		defines = [f"-D{name}={value}" for name, value in settings.items()]
		for words in (["cmake", "-S", TREE, "-B", self.tree, *defines],
			      ["cmake", "--build", self.tree, "-j", os.cpu_count()]):
			what = complaint(words)
			if what:
				raise Broken(f"tally does not build: {what}")

	def command(self, name):
		"""The words that run a program, which is built where needed. Raises Missing or Broken."""
		if name not in self.made:
			try:
				self.made[name] = self.make(name, self.programs[name])
			except (Missing, Broken) as problem:
				self.made[name] = problem
		if isinstance(self.made[name], Exception):
			raise self.made[name]
		return self.made[name]

	def make(self, name, program):
		if program.kind == "file":
			for place in (self.tree, TREE):
				if (place / program.sources[0]).exists():
					return [str(place / program.sources[0])]
			raise Broken(f"{program.sources[0]} is not there")
		if program.race and not shutil.which("clang") and program.kind == "c":
			raise Missing("needs clang")
		output = self.out / "bin" / name
		output.parent.mkdir(parents=True, exist_ok=True)
		sources = [TREE / source for source in program.sources]
		inputs = sources + list((TREE / "bench" / "common").glob("*.h"))
		if program.tally:
			inputs.append(self.library(program))
			inputs += (TREE / "include" / "tally").glob("*.h")
		product = output / "Add.class" if program.kind == "java" else output
		if not newer(product, inputs):
			what = complaint(self.compiler(program, output) + sources + self.libraries(program))
			if what and program.tally:
				raise Broken(f"{program.sources[-1]} does not build: {what}")
			if what:
				needs = program.package or "a C compiler"
				raise Missing(f"needs {needs}: {what.splitlines()[-1]}")
		if program.kind == "java":
			return ["java", "-XX:+UseSerialGC", "-cp", str(output), "Add"]
		return [str(output)]

	def compiler(self, program, output):
		if program.kind == "go":
			return ["go", "build", *(["-race"] if program.race else []), "-o", str(output)]
		if program.kind == "java":
			return ["javac", "-d", str(output)]
		common = ["-O2", "-g", "-D_GNU_SOURCE", "-pthread", *WARNINGS, *program.flags, "-o", output]
		if program.kind == "c++":
			return ["c++", "-std=c++14", *common]
		cc = ["clang", "-fsanitize=thread"] if program.race else self.cc
		include = ["-I", str(TREE / "include")] if program.tally else []
		return [*cc, "-std=gnu11", *STRICT, *self.flags, *include, *common]

	def library(self, program):
		return self.tree / ("libtally_race.a" if program.race else "libtally.a")

	def libraries(self, program):
		return [*([self.library(program)] if program.tally else []), *program.libraries]
