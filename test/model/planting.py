"""planting: builds a model on a copy of the library's source with some text replaced, and runs it."""
import os
import pathlib
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
			plant = {"name": value, "changes": [], "finds": "", "file": None}
			plants[value] = plant
			change = None
		elif key in ("model", "finds", "file") and plant:
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
	"""A copy of src/ and include/ that may be changed, and models built on it."""

	def __init__(self, build, compiler=None):
		self.build = pathlib.Path(build)
		self.compiler = compiler or os.environ.get("CC", "cc")
		self.folder = tempfile.TemporaryDirectory(prefix="tally-plant-")
		self.path = pathlib.Path(self.folder.name)
		shutil.copytree(SOURCE / "src", self.path / "src")
		shutil.copytree(SOURCE / "include", self.path / "include")

	def change(self, file, old, new):
		path = self.path / file
		path.write_text(replaced(path.read_text(), old, new, file))

	def write(self, file, text):
		(self.path / file).write_text(text)

	def compile(self, model, program):
		"""None, or what the compiler said."""
		command = [*shlex.split(self.compiler), "-std=c11", "-D_GNU_SOURCE", "-O1", "-g", "-w", "-fno-strict-aliasing",
			   "-fno-pie", "-no-pie", f"-I{MODELS}/include", f"-I{MODELS}", f"-I{self.build}/model/include",
			   f"-I{self.path}/include", f"-I{self.path}/src", f"{MODELS}/{model}_model.c",
			   f"{self.build}/model/libmodel_engine.a", "-o", str(program)]
		result = subprocess.run(command, stderr=subprocess.PIPE, text=True)
		return result.stderr if result.returncode else None

	def run(self, model, timeout=100, **environment):
		"""(exit code, both outputs). 1: the model has found something. None: out of time."""
		program = self.path / model
		wrong = self.compile(model, program)
		if wrong is not None:
			return 2, wrong
		try:
			result = subprocess.run([program], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
						errors="replace", timeout=timeout,
						env={**os.environ, "TALLY_FRESH": "0", **environment})
		except subprocess.TimeoutExpired:
			return None, "out of time"
		return result.returncode, result.stdout
