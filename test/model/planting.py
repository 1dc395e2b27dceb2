"""planting: builds a model on a copy of the library's source with some text replaced, and runs it."""
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent
MODELS = SOURCE / "test/model"


class Outdated(Exception):
	"""The text that a plant replaces is not there."""


def read_plants(path=MODELS / "PLANTS"):
	"""The plants of the table, by name: model, finds, and changes of (file, old text, new text)."""
	plants, plant, change = {}, None, None
	for number, line in enumerate(path.read_text().split("\n"), 1):
		if line.startswith("#") or not line.strip():
			continue
		if line[0] in "-+" and line[1:2] in (" ", "\t", ""):
			if line[0] == "-" and (change is None or change["new"]):
				change = {"file": plant["file"], "old": [], "new": []}
				plant["changes"].append(change)
			change["old" if line[0] == "-" else "new"].append(line[2:] if line[1:2] == " " else line[1:])
			continue
		key, _, value = line.partition(":")
		value = value.strip()
		if key == "plant":
			plant = {"name": value, "changes": [], "finds": "", "file": None, "only": None}
			plants[value] = plant
			change = None
		elif key in ("model", "only", "finds", "file") and plant:
			plant[key] = value
			change = None
		else:
			raise SystemExit(f"{path}:{number}: not understood: {line}")
	return plants


def replaced(text, old, new, name):
	found = text.count(old)
	if found != 1:
		raise Outdated(f"{name} has {found} times, not once:\n{old}")
	return text.replace(old, new)


class Tree:
	"""A copy of src/ and include/ that may be changed, and models built on it. What has not changed is taken
	from the build's own libmodel_core.a."""

	def __init__(self, build, compiler=None):
		self.build = pathlib.Path(build)
		self.compiler = shlex.split(compiler or os.environ.get("CC", "cc"))
		self.folder = tempfile.TemporaryDirectory(prefix="tally-plant-")
		self.path = pathlib.Path(self.folder.name)
		self.changed = set()
		self.objects = []
		shutil.copytree(SOURCE / "src", self.path / "src")
		shutil.copytree(SOURCE / "include", self.path / "include")
		self.includes = {path.relative_to(self.path).as_posix(): self.headers_of(path)
				 for path in self.path.glob("src/*/*.[ch]")}

	def headers_of(self, path):
		folder = path.relative_to(self.path).parent.as_posix()
		names = re.findall(r'^#include "([^"]+)"', path.read_text(), re.MULTILINE)
		public = re.findall(r"^#include <(tally/[^>]+)>", path.read_text(), re.MULTILINE)
		return {f"src/{name}" if "/" in name else f"{folder}/{name}" for name in names} | {
			f"include/{name}" for name in public}

	def change(self, file, old, new):
		path = self.path / file
		self.write(file, replaced(path.read_text(), old, new, file))

	def write(self, file, text):
		(self.path / file).write_text(text)
		self.changed.add(file)

	def touched(self):
		"""The sources that are to be compiled again: changed, or including what is."""
		touched = set(self.changed)
		while True:
			more = {name for name, includes in self.includes.items() if includes & touched} - touched
			if not more:
				return sorted(name for name in touched if name.endswith(".c"))
			touched |= more

	def flags(self):
		return ["-std=c11", "-D_GNU_SOURCE", "-DTALLY__LOCK_SPINS=1", "-O1", "-g", "-w", "-fno-strict-aliasing",
			"-fno-pie", f"-I{MODELS}/include", f"-I{MODELS}", f"-I{self.build}/model/include",
			f"-I{self.path}/include", f"-I{self.path}/src"]

	def call(self, *arguments):
		"""None, or what the compiler said."""
		result = subprocess.run([*self.compiler, *self.flags(), *map(str, arguments)], stderr=subprocess.PIPE,
					text=True)
		return result.stderr if result.returncode else None

	def compile_changed(self):
		"""Once, when all changes are made. None, or what the compiler said."""
		library = self.path / "libmodel_core.a"
		shutil.copy(self.build / "model/libmodel_core.a", library)
		for source in self.touched():
			item = self.path / (pathlib.Path(source).name + ".o")
			wrong = self.call("-c", self.path / source, "-o", item)
			if wrong is not None:
				return wrong
			self.objects.append(item)
		# In the library, so that a model takes of it what it uses, as it does of the build's own.
		if self.objects:
			subprocess.run([os.environ.get("AR", "ar"), "rs", library, *self.objects], check=True)
		return None

	def compile(self, model, program):
		return self.call("-no-pie", f"{MODELS}/{model}_model.c", self.path / "libmodel_core.a",
				 f"{self.build}/model/libmodel_engine.a", "-o", program)

	def run(self, model, timeout=100, **environment):
		"""(exit code, both outputs). 1: the model has found something. None: out of time."""
		program = self.path / model
		wrong = (None if self.objects else self.compile_changed()) or self.compile(model, program)
		if wrong is not None:
			return 2, wrong
		try:
			result = subprocess.run([program], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
						errors="replace", timeout=timeout,
						env={**os.environ, "TALLY_FRESH": "0", **environment})
		except subprocess.TimeoutExpired:
			return None, "out of time"
		return result.returncode, result.stdout
