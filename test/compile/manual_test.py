#!/usr/bin/env python3
"""The man pages of the library say what its headers say: each call, with its types, and each error."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

SOURCE = pathlib.Path(os.environ["TALLY_SOURCE"])
PAGES = {path.stem.removeprefix("tally_"): path for path in sorted((SOURCE / "doc/man").glob("*.3"))}
# atomic.h makes its calls by macros; test/atomic is about them.
HEADERS = {name: SOURCE / f"include/tally/{name}.h" for name in PAGES if name != "atomic"}


def plain(text):
	"""One blank where words meet, none elsewhere."""
	return re.sub(r"\s*([^\w\s])\s*", r"\1", re.sub(r"\s+", " ", text)).strip()


def declared(text):
	"""What a header declares for users: 'type name(arguments)'."""
	text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
	text = re.sub(r"^#.*(\\\n.*)*", "", text, flags=re.M)
	text = re.sub(r"\b(TALLY_API|TALLY_MUST_CHECK|static inline|TALLY_NORETURN)\b", "", text)
	calls = re.findall(r"(?m)^([ \w*]+?)\b(tally_(?!_)\w+)\(((?:[^()]|\([^()]*\))*)\)\s*[;{]", text)
	return {plain(f"{kind} {name}({'' if arguments == 'void' else arguments})") for kind, name, arguments in calls
		if "typedef" not in kind}


def described(text):
	"""What the synopsis of a page says of the same."""
	synopsis = text.split(".Sh SYNOPSIS")[1].split(".Sh DESCRIPTION")[0]
	calls = re.findall(r"(?m)^\.Ft (.*)\n\.Fn (\w+)(.*)$", synopsis)
	result = set()
	for kind, name, arguments in calls:
		words = re.findall(r'"([^"]*)"|(\S+)', arguments)
		words = [quoted or bare for quoted, bare in words]
		result.add(plain(f"{kind.strip(chr(34))} {name}({','.join(words) if words != ['void'] else ''})"))
	return result


class Manual(unittest.TestCase):
	maxDiff = None

	def test_mandoc_finds_nothing(self):
		result = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", *PAGES.values()], capture_output=True)
		self.assertEqual((result.returncode, result.stdout + result.stderr), (0, b""))

	def test_each_header_has_a_page(self):
		headers = {path.stem for path in (SOURCE / "include/tally").glob("*.h")}
		# What users do not include themselves, or what includes the rest.
		self.assertEqual(headers - {"base", "cell", "tally"}, set(PAGES))

	def test_pages_have_the_calls_of_their_headers(self):
		for name, path in HEADERS.items():
			with self.subTest(name):
				calls = declared(path.read_text())
				self.assertTrue(calls)
				self.assertEqual(described(PAGES[name].read_text()), calls)

	def test_names_stand_at_the_top(self):
		for name, path in HEADERS.items():
			top = PAGES[name].read_text().split(".Sh SYNOPSIS")[0]
			for call in declared(path.read_text()):
				self.assertIn(re.search(r"(tally_\w+)\(", call)[1], re.findall(r"\.Nm (\w+)", top))

	def test_pages_have_the_errors_of_their_headers(self):
		for name in ("region", "view"):
			with self.subTest(name):
				said = set(re.findall(r"-E[A-Z]+\b", HEADERS[name].read_text()))
				self.assertEqual(set(re.findall(r"-E[A-Z]+\b", re.sub(r"(?m)^\.Bl.*", "", PAGES[name].read_text()))),
						 said)

	def test_macros_that_define_metrics(self):
		header = HEADERS["counter"].read_text()
		for macro in re.findall(r"(?m)^#define (TALLY_[A-Z]+)\(", header):
			self.assertRegex(PAGES["counter"].read_text(), rf"(?m)^\.Fn {macro} ")


if not shutil.which("mandoc"):
	print("skipped: no mandoc")
	sys.exit(77)
unittest.main()
