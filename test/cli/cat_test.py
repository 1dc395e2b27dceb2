#!/usr/bin/python3
"""tally cat: what a live program and a dead one have counted, exactly, in formats that their own readers accept."""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from cli import BUILD, FAILED, NOBODY, SOURCE, TALLY, CommandTest

# 2^53 + 1 cannot be held by a double; 2^64 - 1 is the largest total.
PROGRAM = """\
#include <stdio.h>
#include <string.h>
#include <tally/tally.h>
#include <unistd.h>

TALLY_COUNTER(requests, "http_requests_total", "Requests \\\\ \\"served\\"\\nby us: \\xc3\\xbc.");
TALLY_COUNTER(odd, "odd_total", "Beyond a double.");
TALLY_COUNTER(most, "most_total", "As much as there is.");
TALLY_COUNTER(idle, "idle_total", "Never counted.");
static TALLY_UPDOWN(open_now, "http_connections", "Open now.");
TALLY_GAUGE(level, "level", "Set.");

static void work(void *arg)
{
	(void)arg;
	for (int i = 0; i < 1000; i++)
		tally_counter_inc(&requests);
}

int main(int argc, char **argv)
{
	tally_waitgroup wg = {0};
	for (int i = 0; i < 50; i++)
		tally_waitgroup_go(&wg, work, NULL);
	tally_waitgroup_wait(&wg);
	tally_counter_add(&odd, (UINT64_C(1) << 53) + 1);
	tally_counter_add(&most, UINT64_MAX);
	tally_updown_add(&open_now, 5);
	tally_updown_sub(&open_now, 7);
	tally_gauge_set(&level, INT64_MIN);
	if (argc > 1 && strcmp(argv[1], "daemon") == 0)
		for (int fd = 3; fd < 1024; fd++)
			close(fd);
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}
"""
COUNTERS = {
	"http_requests_total": 50000,
	"odd_total": 2**53 + 1,
	"most_total": 2**64 - 1,
	"idle_total": 0,
}
GAUGES = {"http_connections": -2, "level": -2**63}

# All that programs share without counting: nameless memory, a memfd, a file that is gone, one that is there.
SHARED = """\
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#ifdef COUNTS
#include <tally/counter.h>
TALLY_COUNTER(spins, "spins_total", "Turns.");
#endif

static void share(int file, int flags)
{
	if (file >= 0 && ftruncate(file, 65536) != 0)
		abort();
	if (mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED | flags, file, 0) == MAP_FAILED)
		abort();
}

int main(int argc, char **argv)
{
	share(-1, MAP_ANONYMOUS);
	share(memfd_create("other", 0), 0);
	share(open(argv[1], O_RDWR | O_CREAT, 0600), 0);
	unlink(argv[1]);
	share(open(argv[2], O_RDWR | O_CREAT, 0600), 0);
#ifdef COUNTS
	tally_counter_add(&spins, 3);
#endif
	if (argc > 3)
		for (int fd = 3; fd < 1024; fd++)
			close(fd);
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}
"""


def build(folder, name="program", text=PROGRAM, libraries=None):
	"""Compiles a program against this build's library."""
	source = folder / f"{name}.c"
	source.write_text(text)
	program = folder / name
	subprocess.run(
		[os.environ.get("CC", "cc"), "-O1", f"-I{SOURCE}/include", source, "-o", program]
		+ (libraries or [BUILD / "libtally.a"]) + ["-pthread"],
		check=True)
	return program


class Cat(CommandTest):
	def start(self, *arguments, program=None, env=None, **more):
		process = subprocess.Popen([program or build(self.folder), *arguments], stdout=subprocess.PIPE,
					   env={**os.environ, **(env or {})}, **more)
		self.addCleanup(process.stdout.close)
		self.addCleanup(process.wait)
		self.addCleanup(process.kill)
		self.assertEqual(process.stdout.readline(), b"ready\n")
		return process

	def start_as_nobody(self, program, *arguments):
		for path in [self.folder, program]:
			path.chmod(0o755)
		return self.start(*arguments, program=program, user=NOBODY, group=NOBODY, extra_groups=[])

	def cat(self, *arguments, code=0, **more):
		result = subprocess.run([TALLY, "cat", *map(str, arguments)], capture_output=True, **more)
		self.assertEqual(result.returncode, code, result.stderr)
		return result.stdout.decode() if code == 0 else result.stderr.decode()

	def assert_json_is_exact(self, text):
		document = json.loads(text)
		values = {m["name"]: m["value"] for m in document["metrics"] if not m["name"].startswith("tally_")}
		self.assertEqual(values, {**COUNTERS, **GAUGES})
		return document

	def test_json_is_exact(self):
		process = self.start()
		document = self.assert_json_is_exact(self.cat(process.pid, "--format", "json"))
		self.assertEqual(document["program"], "program")
		self.assertEqual(document["pid"], process.pid)
		kinds = {m["name"]: m["kind"] for m in document["metrics"]}
		self.assertEqual(kinds["odd_total"], "counter")
		self.assertEqual(kinds["http_connections"], "updown")
		self.assertEqual(kinds["level"], "gauge")
		helps = {m["name"]: m["help"] for m in document["metrics"]}
		self.assertEqual(helps["http_requests_total"], 'Requests \\ "served"\nby us: ü.')

	def test_promtool_accepts_the_prometheus_text(self):
		promtool = shutil.which("promtool")
		if promtool is None:
			self.skipTest("promtool is not installed")
		text = self.cat(self.start().pid, "--format=prometheus")
		for name, value in {**COUNTERS, **GAUGES}.items():
			self.assertIn(f"\n{name} {value}\n", text)
		checked = subprocess.run([promtool, "check", "metrics"], input=text.encode(), capture_output=True)
		self.assertEqual((checked.returncode, checked.stdout, checked.stderr), (0, b"", b""))
		# The same with a mistake is refused.
		broken = text.replace("# TYPE odd_total counter", "# TYPE odd_total konter")
		checked = subprocess.run([promtool, "check", "metrics"], input=broken.encode(), capture_output=True)
		self.assertNotEqual(checked.returncode, 0)

	def test_prometheus_client_parses_both_texts(self):
		try:
			from prometheus_client.openmetrics import parser as openmetrics
			from prometheus_client import parser as prometheus
		except ImportError:
			self.skipTest("python3-prometheus-client is not installed")
		process = self.start()
		text = self.cat(process.pid)
		self.assertTrue(text.endswith("\n# EOF\n"))
		self.assertNotIn("\r", text)
		families = {f.name: f for f in openmetrics.text_string_to_metric_families(text)}
		for name, value in COUNTERS.items():
			family = families[name[:-len("_total")]]
			self.assertEqual(family.type, "counter")
			self.assertEqual([s.name for s in family.samples], [name])
			self.assertEqual(family.samples[0].value, value)
			self.assertIn(f"\n{name} {value}\n", text)
		for name, value in GAUGES.items():
			self.assertEqual(families[name].type, "gauge")
			self.assertEqual(families[name].samples[0].value, value)
			self.assertIn(f"\n{name} {value}\n", text)
		self.assertEqual(families["http_requests"].documentation, 'Requests \\ "served"\nby us: ü.')
		text = self.cat(process.pid, "--format", "prometheus")
		families = {f.name: f for f in prometheus.text_string_to_metric_families(text)}
		self.assertEqual(families["http_requests"].documentation, 'Requests \\ "served"\nby us: ü.')
		self.assertEqual(families["http_requests"].samples[0].value, 50000)

	def test_each_family_stands_once_with_its_type_first(self):
		text = self.cat(self.start().pid)
		types = re.findall(r"^# TYPE (\S+) ", text, re.M)
		self.assertEqual(len(types), len(set(types)))
		self.assertTrue(text.startswith("# TYPE "))
		self.assertNotIn("\n\n", text)

	def test_the_list_shows_programs_that_count(self):
		process = self.start()
		lines = self.cat().splitlines()
		self.assertRegex(lines[0], r"PID +METRICS +PROGRAM")
		mine = [line for line in lines if line.split()[0] == str(process.pid)]
		self.assertEqual(len(mine), 1)
		self.assertEqual(mine[0].split()[2], "program")
		self.assertGreaterEqual(int(mine[0].split()[1]), 6)
		# This test does not count.
		self.assertFalse([line for line in lines if line.split()[0] == str(os.getpid())])

	def test_a_daemon_without_descriptors_is_visible_to_root_only(self):
		process = self.start("daemon")
		# But for the moment in which a worker reads what CPUs it may use.
		until = time.monotonic() + 10
		while [fd for fd in pathlib.Path(f"/proc/{process.pid}/fd").iterdir() if int(fd.name) > 2]:
			self.assertLess(time.monotonic(), until)
			time.sleep(0.01)
		if os.geteuid() != 0:
			self.assertIn("closed the descriptor", self.cat(process.pid, code=FAILED))
			return
		self.assert_json_is_exact(self.cat(process.pid, "--format", "json"))

	def test_others_are_told_why_they_cannot_look(self):
		if os.geteuid() != 0:
			self.skipTest("needs root, to become somebody else")
		private = self.start()
		message = self.cat(private.pid, code=FAILED, user=NOBODY, group=NOBODY, extra_groups=[])
		self.assertRegex(message, r"^tally: process \d+: the kernel does not let this user look at it.*\n$")
		# Their own, whose descriptors are closed: dumpable, so they may look, but not open what is closed.
		process = self.start_as_nobody(build(self.folder), "daemon")
		message = self.cat(process.pid, code=FAILED, user=NOBODY, group=NOBODY, extra_groups=[])
		self.assertRegex(message, r"^tally: process \d+: the process has closed the descriptor.*CAP_.*\n$")
		self.assert_json_is_exact(self.cat(process.pid, "--format", "json"))

	def test_other_shared_memory_is_not_in_the_way(self):
		counts = build(self.folder, "counts", "#define COUNTS\n" + SHARED)
		shares = build(self.folder, "shares", SHARED)
		places = [self.folder / "gone", self.folder / "there"]
		process = self.start(*places, program=counts)
		self.assertIn("\nspins_total 3\n", self.cat(process.pid))
		process = self.start(*places, program=shares)
		self.assertIn("there are no counters of tally in it", self.cat(process.pid, code=FAILED))
		self.assertFalse([line for line in self.cat().splitlines() if line.split()[0] == str(process.pid)])

	def test_other_shared_memory_is_not_in_the_way_of_a_user(self):
		if os.geteuid() != 0:
			self.skipTest("the test before this was as a user")
		nobody = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
		counts = build(self.folder, "counts", "#define COUNTS\n" + SHARED)
		shares = build(self.folder, "shares", SHARED)
		with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
			os.chmod(folder, 0o777)
			places = [f"{folder}/gone", f"{folder}/there"]
			process = self.start_as_nobody(counts, *places)
			self.assertIn("\nspins_total 3\n", self.cat(process.pid, **nobody))
			process = self.start_as_nobody(shares, *places)
			self.assertIn("there are no counters of tally in it", self.cat(process.pid, code=FAILED, **nobody))
			# What can be opened does not hide what cannot.
			process = self.start_as_nobody(counts, *places, "daemon")
			self.assertIn("closed the descriptor", self.cat(process.pid, code=FAILED, **nobody))

	def test_a_file_outlives_kill_9(self):
		region = self.folder / "region"
		process = self.start(env={"TALLY_REGION": str(region)})
		self.assert_json_is_exact(self.cat(process.pid, "--format", "json"))
		process.send_signal(signal.SIGKILL)
		process.wait()
		self.assert_json_is_exact(self.cat(region, "--format", "json"))
		self.assertIn("no such process", self.cat(process.pid, code=FAILED))
		# A file named like a number is reached by a path.
		shutil.copy(region, self.folder / "12")
		result = subprocess.run([TALLY, "cat", "./12", "--format", "json"], cwd=self.folder, capture_output=True)
		self.assert_json_is_exact(result.stdout)

	def test_metrics_are_there_before_anything_is_counted(self):
		program = build(self.folder, "idle", """
			#include <tally/counter.h>
			TALLY_COUNTER(idle, "idle_total", "Never counted.");
			static TALLY_UPDOWN(open_now, "open_now", "Never counted.");
			TALLY_GAUGE(level, "level", "Never set.");
			int main(void) { return 0; }
		""")
		region = self.folder / "region"
		subprocess.run([program], check=True, env={**os.environ, "TALLY_REGION": str(region)})
		document = json.loads(self.cat(region, "--format", "json"))
		self.assertEqual([(m["name"], m["value"]) for m in document["metrics"]],
				 [("idle_total", 0), ("open_now", 0), ("level", 0)])

	def test_the_copies_of_the_library_in_one_program_are_added_up(self):
		part = """
			#include <tally/tally.h>
			TALLY_COUNTER(shared, "shared_total", "In both.");
			TALLY_GAUGE(height, "height", "In both.");
			void count_%s(void);
			void count_%s(void) { tally_counter_add(&shared, %d); tally_gauge_set(&height, %d); }
		"""
		cc = os.environ.get("CC", "cc")
		for name, amount in (("one", 3), ("two", 4)):
			source = self.folder / f"{name}.c"
			source.write_text(part % (name, name, amount, amount))
			# Each has its own copy: the static library inside, hidden.
			subprocess.run([cc, "-shared", "-fPIC", f"-I{SOURCE}/include", source, "-o",
					self.folder / f"lib{name}.so", BUILD / "libtally.a", "-Wl,-Bsymbolic",
					"-Wl,--exclude-libs,ALL", "-pthread"], check=True)
		program = build(self.folder, "both", """
			#include <stdio.h>
			#include <unistd.h>
			void count_one(void);
			void count_two(void);
			int main(void) { count_one(); count_two(); puts("ready"); fflush(stdout); for (;;) pause(); }
		""", [f"-L{self.folder}", "-lone", "-ltwo", f"-Wl,-rpath,{self.folder}"])
		process = self.start(program=program)
		document = json.loads(self.cat(process.pid, "--format", "json"))
		values = {m["name"]: m["value"] for m in document["metrics"]}
		self.assertEqual(values["shared_total"], 7)
		self.assertEqual(values["height"], 4)

	def test_failures_are_one_line_that_says_what_to_do(self):
		empty = self.folder / "empty"
		empty.write_bytes(b"x" * 4096)
		for arguments, text in [
			([2**31], "cannot be a process id"),
			([os.getpid()], "there are no counters of tally in it"),
			([self.folder / "none"], "there is no such file"),
			([empty], "there are no counters of tally in it"),
			([self.folder], "there are no counters of tally in it"),
			(["1", "2"], "takes one PID or PATH"),
			(["--format"], "--format needs a name"),
			(["--format", "xml", "1"], 'no format "xml"'),
			(["--format", "json"], "--format needs a PID or PATH"),
			(["--loud"], "no option --loud"),
		]:
			with self.subTest(arguments=arguments):
				message = self.cat(*arguments, code=FAILED)
				self.assertRegex(message, r"\Atally: [^\n]+\n\Z")
				self.assertIn(text, message)

	def test_a_full_device_is_noticed(self):
		process = self.start()
		with open("/dev/full", "w") as full:
			result = subprocess.run([TALLY, "cat", str(process.pid)], stdout=full, stderr=subprocess.PIPE)
		self.assertEqual(result.returncode, FAILED)
		self.assertIn(b"cannot write", result.stderr)

	def test_readings_of_a_program_that_counts_never_go_backwards(self):
		program = build(self.folder, "busy", """
			#include <stdio.h>
			#include <tally/tally.h>
			TALLY_COUNTER(spins, "spins_total", "Turns.");
			int main(void) { puts("ready"); fflush(stdout); for (;;) tally_counter_inc(&spins); }
		""")
		process = self.start(program=program)
		values = []
		while len(values) < 20 or values[0] == values[-1]:
			text = self.cat(process.pid, "--format", "prometheus")
			values.append(int(re.search(r"^spins_total (\d+)$", text, re.M).group(1)))
		self.assertEqual(values, sorted(values))


if __name__ == "__main__":
	unittest.main()
