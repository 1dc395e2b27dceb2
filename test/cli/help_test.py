#!/usr/bin/env python3
"""tally --version, --help and help, and what is said about words that mean nothing."""
import re
import subprocess

import cli


class Help(cli.CommandTest):
	def test_version_is_that_of_the_headers(self):
		header = (cli.SOURCE / "include/tally/base.h").read_text()
		version = header.split('#define TALLY_VERSION ', 1)[1].split('"')[1]
		self.assertRuns(self.tally("--version"), f"tally {version}\n")

	def test_help_lists_the_verbs(self):
		result = self.tally("--help")
		self.assertRuns(result)
		self.assertRegex(result.stdout, r"(?m)^usage: tally VERB")
		self.assertRegex(result.stdout, r"(?m)^  run +\w")
		for words in (["help"], ["-h"]):
			self.assertRuns(self.tally(*words), result.stdout)

	def test_each_verb_has_help(self):
		verbs = []
		for line in self.tally("--help").stdout.splitlines():
			listed = re.match(r"  (\w+) ", line)
			if listed is None:
				continue
			verb = listed.group(1)
			verbs.append(verb)
			result = self.tally("help", verb)
			self.assertRuns(result)
			self.assertTrue(result.stdout.startswith(f"usage: tally {verb} "), result.stdout)
			self.assertRuns(self.tally(verb, "--help"), result.stdout)
			self.assertLessEqual(max(map(len, result.stdout.splitlines())), 100)
		self.assertIn("run", verbs)

	def test_wrong_words_are_one_line(self):
		self.assertFails(self.tally(), "--help")
		self.assertFails(self.tally("rum"), '"rum"', 'did you mean "run"?')
		self.assertFails(self.tally("help", "rn"), 'did you mean "run"?')
		self.assertFails(self.tally("frobnicate"), 'no verb "frobnicate"', "--help")
		self.assertFails(self.tally("x"), 'no verb "x"')
		self.assertFails(self.tally("r" * 1000), "no verb")
		self.assertFails(self.tally("prog.c"), '"tally run prog.c"')
		self.assertFails(self.tally("--frob"), 'no option "--frob"')
		self.assertFails(self.tally("run", "--frob", "x.c"), '"--frob"', "tally run --help")
		self.assertFails(self.tally("run"), "tally run --help")
		self.assertFails(self.tally("run", "-race"), "tally run --help")

	def test_a_full_disk_is_noticed(self):
		for words in (["--version"], ["--help"], ["run", "--help"]):
			with open("/dev/full", "w") as full:
				result = subprocess.run([cli.TALLY, *words], stdout=full, stderr=subprocess.PIPE, text=True)
			self.assertEqual(result.returncode, cli.FAILED)
			self.assertRegex(result.stderr, r"^tally: cannot write .*No space left on device\n$")


cli.main()
