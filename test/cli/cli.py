"""What the tests of the command share: a folder, a cache and an environment of their own, and ways to call it."""
import atexit
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

SOURCE = pathlib.Path(os.environ["TALLY_SOURCE"])
BUILD = pathlib.Path(os.environ["TALLY_BUILD"])
FAILED = 125
NOBODY = 65534

# A program that prints its arguments, one a line, and exits with 0.
ECHO = """\
#include <stdio.h>
int main(int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		puts(argv[i]);
	return 0;
}
"""


def installed():
	"""The command under test, as it would be installed, where every user may reach it and no path has blanks: the
	tree that is tested may stand anywhere."""
	prefix = pathlib.Path(tempfile.mkdtemp(prefix="tally-installed-")).resolve()
	atexit.register(shutil.rmtree, prefix, ignore_errors=True)
	prefix.chmod(0o755)
	for folder, files in (("bin", [BUILD / "bin/tally"]), ("lib", BUILD.glob("libtally*.a"))):
		(prefix / folder).mkdir()
		for file in files:
			shutil.copy(file, prefix / folder)
	shutil.copytree(SOURCE / "include/tally", prefix / "include/tally")
	return prefix / "bin/tally"


TALLY = installed()


class CommandTest(unittest.TestCase):
	"""A test that has a folder to itself. Where it ends, nothing may be left of what was temporary."""

	def setUp(self):
		self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tally-test-")).resolve()
		self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
		self.cache = self.folder / "cache" / "tally"
		self.temporary = self.folder / "temporary"
		self.temporary.mkdir()
		self.env = {
			"PATH": os.environ["PATH"],
			"HOME": str(self.folder / "home"),
			"XDG_CACHE_HOME": str(self.cache.parent),
			"TMPDIR": str(self.temporary),
			"LC_ALL": "C",
		}
		if "CC" in os.environ:
			self.env["CC"] = os.environ["CC"]
		self.real_compiler = self.env.get("CC", "cc")

	def tearDown(self):
		self.assertEqual(self.leftovers(), [], "something temporary was left")

	def leftovers(self):
		"""What is temporary and still there, after a moment for it to go."""
		for _ in range(100):
			found = sorted([*self.temporary.iterdir(), *self.cache.glob("tally-*")])
			if not found:
				break
			time.sleep(0.05)
		return found

	def write(self, name, text, mode=0o644):
		path = self.folder / name
		path.parent.mkdir(parents=True, exist_ok=True)
		path.write_text(text)
		path.chmod(mode)
		return path

	def settle(self):
		"""Until the clock of files has gone on: what is written after this is seen to be later."""
		mark = self.folder / "mark"
		mark.touch()
		before = mark.stat().st_ctime_ns
		while mark.stat().st_ctime_ns == before:
			time.sleep(0.001)
			mark.touch()

	def environment(self, changes):
		env = dict(self.env)
		for name, value in (changes or {}).items():
			if value is None:
				env.pop(name, None)
			else:
				env[name] = str(value)
		return env

	def call(self, words, env=None, cwd=None, **more):
		more.setdefault("stdin", subprocess.DEVNULL if "input" not in more else None)
		if more["stdin"] is None:
			del more["stdin"]
		return subprocess.run([str(word) for word in words], env=self.environment(env), cwd=cwd or self.folder,
				      stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False,
				      timeout=100, **more)

	def tally(self, *words, **more):
		return self.call([TALLY, *words], **more)

	def start(self, *words, env=None, **more):
		return subprocess.Popen([str(TALLY), *map(str, words)], env=self.environment(env), cwd=self.folder,
					stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)

	def assertRuns(self, result, output=None):
		self.assertEqual((result.returncode, result.stderr), (0, ""))
		if output is not None:
			self.assertEqual(result.stdout, output)

	def assertFails(self, result, *parts):
		"""The command itself failed: one line, which has all of these in it."""
		self.assertEqual(result.returncode, FAILED, result.stderr)
		self.assertEqual(result.stdout, "")
		self.assertEqual(result.stderr.count("\n"), 1, result.stderr)
		self.assertTrue(result.stderr.startswith("tally: "), result.stderr)
		for part in parts:
			self.assertIn(str(part), result.stderr)

	def compiler(self, *, after="", before=""):
		"""A compiler that notes each program it makes, and does what is asked for; and how many those are."""
		log = self.folder / "compiled"
		path = self.write("compiler", f'#!/bin/sh\n{before}\n{self.real_compiler} "$@" || exit\n'
				  f'case " $* " in *" -c "*) ;; *) echo >>{log} ;; esac\n{after}\n', 0o755)
		self.env["CC"] = str(path)
		return lambda: len(log.read_text()) if log.exists() else 0

	def unprivileged(self):
		"""Arguments of subprocess for a process that permissions hold for."""
		return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}


def first(*names):
	"""The first of the programs that there is, or None."""
	return next(filter(None, map(shutil.which, names)), None)


def died_of(code):
	return signal.Signals(-code).name if code < 0 else code


def main():
	unittest.main(argv=[sys.argv[0]], verbosity=1)
