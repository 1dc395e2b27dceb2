#!/usr/bin/env python3
"""The man pages are sound, and those of the command say something of all that it knows."""
import re
import shutil
import sys

import cli

PAGES = sorted((cli.SOURCE / "doc/man").glob("tally*.1"))
SOURCES = sorted((cli.SOURCE / "cmd/tally").glob("*.c"))


class Pages(cli.CommandTest):
	def test_mandoc_finds_nothing(self):
		result = self.call(["mandoc", "-T", "lint", "-W", "warning", *(cli.SOURCE / "doc/man").glob("*.[1-8]")])
		self.assertEqual((result.returncode, result.stdout + result.stderr), (0, ""))

	def test_each_verb_has_a_page(self):
		verbs = re.findall(r"(?m)^  (\w+) ", self.tally("--help").stdout)
		self.assertEqual([page.name for page in PAGES], sorted(["tally.1", *(f"tally-{verb}.1" for verb in verbs)]))
		overview = (cli.SOURCE / "doc/man/tally.1").read_text()
		for verb in verbs:
			self.assertIn(f"\n.It Cm {verb}\n", overview)

	def test_each_option_is_in_the_verb_s_page(self):
		for page in PAGES[1:]:
			verb = page.stem.removeprefix("tally-")
			options = re.findall(r"(?m)^  --?(\w[\w-]*)", self.tally(verb, "--help").stdout)
			for option in options:
				self.assertRegex(page.read_text(), rf"(?m)^\.It Fl (h , )?-?{option}\b", page)

	def test_each_variable_that_is_read_is_in_a_page(self):
		read = {name for path in SOURCES for name in re.findall(r'getenv\("(\w+)"\)', path.read_text())}
		self.assertIn("TALLY_CACHE_SIZE", read)
		described = "\n".join(page.read_text() for page in PAGES)
		for name in read - {"HOME", "PATH"}:
			self.assertRegex(described, rf"(?m)^\.It Ev .*\b{name}\b")


if not shutil.which("mandoc"):
	print("skipped: no mandoc")
	sys.exit(77)
cli.main()
