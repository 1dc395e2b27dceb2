#!/usr/bin/env python3
"""doc/region-format.md is enough to read a region: what is here knows of it what the page says, and no more. Offsets and
sizes are taken from the page's tables as the test runs, so the page cannot be wrong and the test pass."""
import json
import os
import pathlib
import re
import struct
import subprocess
import sys
import tempfile
import time
import unittest

SOURCE = pathlib.Path(os.environ["TALLY_SOURCE"])
BUILD = pathlib.Path(os.environ["TALLY_BUILD"])
PAGE = (SOURCE / "doc/region-format.md").read_text()

PROGRAM = """\
#include <pthread.h>
#include <stdio.h>
#include <sys/wait.h>
#include <tally/tally.h>
#include <unistd.h>

TALLY_COUNTER(requests, "requests_total", "Requests: \\xc3\\xbc, \\xe2\\x82\\xac.");
TALLY_COUNTER(most, "most", "");
TALLY_COUNTER(idle, "idle_total", "Never counted.");
TALLY_UPDOWN(open_now, "open_now", "Negative.");
TALLY_GAUGE(level, "level", "The least there is.");

static void *count(void *arg)
{
	for (int i = 0; i < 1000; i++)
		tally_counter_inc(&requests);
	tally_updown_sub(&open_now, 3);
	return arg;
}

int main(void)
{
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, count, NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	if (fork() == 0) {
		count(NULL);
		_exit(0);
	}
	wait(NULL);
	tally_counter_add(&most, UINT64_MAX);
	tally_updown_add(&open_now, 1);
	tally_gauge_set(&level, INT64_MIN);
	puts("ready");
	fflush(stdout);
	pause();
}
"""
# The same, as the program says it.
COUNTED = {"requests_total": 5000, "most_total": 2**64 - 1, "idle_total": 0, "open_now": -14, "level": -2**63}


def number(text):
	return int(text.replace(",", ""), 0)


class Table:
	"""One of the page's tables of fields: name, offset, size, and what is said of it."""

	def __init__(self, heading):
		part = PAGE.split(f"\n## {heading}")[1].split("\n## ")[0]
		rows = re.findall(r"(?m)^\| (\d+) \| ?(\d*) \| (\w+) \| ?(.*) \|$", part)
		self.fields = {name: (int(offset), int(size) if size else None, meaning)
			       for offset, size, name, meaning in rows}

	def read(self, data, at, name):
		offset, size, _ = self.fields[name]
		return int.from_bytes(data[at + offset:at + offset + size], sys.byteorder)

	def bytes(self, data, at, name):
		offset, size, _ = self.fields[name]
		return bytes(data[at + offset:at + offset + size])

	def write(self, data, at, name, value):
		offset, size, _ = self.fields[name]
		raw = value if isinstance(value, bytes) else value.to_bytes(size, sys.byteorder)
		assert len(raw) <= size
		data[at + offset:at + offset + len(raw)] = raw


HEADER, SLOT, ENTRY = Table("Header"), Table("Slot table"), Table("Index and entries")
KINDS = {1: ("counter", 1), 2: ("updown", 2), 3: ("gauge", 1)}


def fnv1a(text):
	value = 0x811C9DC5
	for byte in text:
		value = (value ^ byte) * 0x01000193 % 2**32
	return value


def stem(name):
	return name[:-6] if name.endswith(b"_total") and len(name) > 6 else name


class Region:
	"""A reader, as the page has it: all with pread, each word once."""

	def __init__(self, path):
		self.file = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
		header_bytes = max(offset + size for offset, size, _ in HEADER.fields.values())
		self.header = self.pread(header_bytes, 0)
		if HEADER.bytes(self.header, 0, "magic") != b"TALLYRGN":
			raise ValueError("no region")

	def close(self):
		os.close(self.file)

	def pread(self, size, offset):
		data = os.pread(self.file, size, offset)
		assert len(data) == size
		return data

	def __getattr__(self, name):
		return HEADER.read(self.header, 0, name)

	def word(self, offset):
		return int.from_bytes(self.pread(8, offset), sys.byteorder)

	def slot(self, number, name):
		at = self.table_offset + number * self.slot_record_size
		offset, size, _ = SLOT.fields[name]
		return int.from_bytes(self.pread(size, at + offset), sys.byteorder)

	def cell(self, slot, number):
		return self.word(self.cells_offset + slot * self.slot_stride + number * 8)

	def metrics(self):
		result = []
		for i in range(self.index_max):
			word = self.word(self.index_offset + i * 8)
			if word == 0:
				break
			at = word % 2**32
			head = self.pread(ENTRY.fields["text"][0], at)
			entry = {name: ENTRY.read(head, 0, name) for name in ENTRY.fields if name != "text"}
			text = self.pread(entry["size"] - len(head), at + len(head))
			name = text[:entry["name_length"]]
			rest = text[entry["name_length"] + 1:]
			assert text[entry["name_length"]] == 0 and rest[entry["help_length"]] == 0
			assert fnv1a(stem(name)) == word >> 32
			if entry["kind"] in KINDS:
				result.append((name.decode(), rest[:entry["help_length"]].decode(), entry))
		used = HEADER.read(self.pread(len(self.header), 0), 0, "slots_used")
		sums = {}
		# The downs first, then the rest; slot by slot.
		for second in (True, False):
			for slot in range(used):
				for _, _, entry in result:
					cell = entry["cell"] + second
					if second and entry["kind"] != 2 or entry["kind"] == 3 and slot != 0:
						continue
					sums[cell] = sums.get(cell, 0) + self.cell(slot, cell)
		return [{"name": name, "help": help, "kind": KINDS[entry["kind"]][0], "value": value(entry, sums)}
			for name, help, entry in result]


def signed(value):
	return (value + 2**63) % 2**64 - 2**63


def value(entry, sums):
	cell = entry["cell"]
	if entry["kind"] == 1:
		return sums[cell] % 2**64
	return signed(sums[cell] - sums[cell + 1]) if entry["kind"] == 2 else signed(sums[cell])


def field_22(pid):
	return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[22 - 3])


class Format(unittest.TestCase):
	maxDiff = None

	def setUp(self):
		folder = tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
		self.addCleanup(folder.cleanup)
		self.folder = pathlib.Path(folder.name)

	def start(self, **env):
		program = self.folder / "program"
		(self.folder / "program.c").write_text(PROGRAM)
		subprocess.run([os.environ.get("CC", "cc"), f"-I{SOURCE}/include", self.folder / "program.c", "-o", program,
				BUILD / "libtally.a", "-pthread"], check=True)
		process = subprocess.Popen([program], stdout=subprocess.PIPE, env={**os.environ, **env})
		self.addCleanup(process.stdout.close)
		self.addCleanup(process.wait)
		self.addCleanup(process.kill)
		self.assertEqual(process.stdout.readline(), b"ready\n")
		return process

	def open(self, path):
		region = Region(path)
		self.addCleanup(region.close)
		return region

	def cat(self, what):
		text = subprocess.run([BUILD / "bin/tally", "cat", str(what), "--format", "json"], check=True,
				      capture_output=True).stdout
		return json.loads(text)

	def memfd_of(self, pid):
		found = [link for link in pathlib.Path(f"/proc/{pid}/fd").iterdir()
			 if os.readlink(link) == "/memfd:tally (deleted)"]
		self.assertEqual(len(found), 1)
		return found[0]

	def assert_the_same(self, region, what):
		document = self.cat(what)
		metrics = region.metrics()
		self.assertEqual(metrics, document["metrics"])
		self.assertEqual({m["name"]: m["value"] for m in metrics if m["name"] in COUNTED}, COUNTED)
		self.assertEqual(HEADER.bytes(region.header, 0, "program").rstrip(b"\0").decode(), document["program"])
		self.assertEqual(region.pid, document["pid"])

	def test_tables_have_no_gaps(self):
		for table in HEADER, SLOT, ENTRY:
			end = 0
			for name, (offset, size, _) in table.fields.items():
				self.assertEqual(offset, end, name)
				end = offset + (size or 0)
		self.assertEqual(sum(size for _, size, _ in HEADER.fields.values()), number("328"))

	def test_a_live_memfd(self):
		process = self.start()
		self.assert_the_same(self.open(self.memfd_of(process.pid)), process.pid)

	def test_a_file_and_what_the_page_says_of_it(self):
		path = self.folder / "region"
		before = time.time_ns()
		process = self.start(TALLY_REGION=str(path))
		region = self.open(path)
		self.assert_the_same(region, process.pid)
		self.assert_the_same(region, path)
		# The numbers that stand in the page.
		for name, (_, _, meaning) in HEADER.fields.items():
			given = re.search(r"\((\d+)\)$", meaning) or re.fullmatch(r"(0x[0-9a-f]+|\d+)", meaning)
			if given and name not in ("slots_used", "start_time"):
				self.assertEqual(getattr(region, name), number(given[1]), name)
		size = number(re.search(r"full size of ([\d,]+) bytes", PAGE)[1])
		self.assertEqual((path.stat().st_size, region.total_size), (size, size))
		self.assertTrue(before <= region.created <= time.time_ns())
		self.assertEqual(region.page_size, os.sysconf("SC_PAGESIZE"))
		self.assertEqual(region.start_time, field_22(process.pid))
		boot = pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().strip().replace("-", "")
		self.assertEqual(HEADER.bytes(region.header, 0, "boot_id").hex(), boot)
		self.assertNotEqual(HEADER.bytes(region.header, 0, "incarnation"), bytes(16))
		# Maps names the file as the page says, whether or not the process has it open.
		lines = [line.split(maxsplit=5) for line in pathlib.Path(f"/proc/{process.pid}/maps").read_text().splitlines()
			 if line.endswith(str(path))]
		self.assertEqual([(line[1], int(line[2], 16)) for line in lines][0], ("rw-s", 0))
		self.assertEqual(lines[1][1], "---s")

	def test_owners(self):
		path = self.folder / "region"
		process = self.start(TALLY_REGION=str(path))
		region = self.open(path)
		self.assertEqual(region.slot(0, "owner"), 0)
		owners = [region.slot(i, "owner") for i in range(region.slots_used)]
		# Main's slot; the threads have handed theirs back, and the child of the fork has left one.
		mine = [owner for owner in owners if owner >> 42 == process.pid]
		self.assertEqual(len(mine), 1)
		self.assertEqual(mine[0] >> 8 & 2**34 - 1, field_22(process.pid) % 2**34)
		offset, size, _ = HEADER.fields["namespaces"]
		spaces = struct.unpack(f"={size // 8}Q", region.pread(size, offset))
		word = spaces[mine[0] >> 4 & 15]
		self.assertEqual(word >> 32, os.stat(f"/proc/{process.pid}/ns/pid").st_ino)
		self.assertEqual(word % 2**32, os.stat(f"/proc/{process.pid}/ns/time").st_ino)
		# Behind the memory that there is, everything is zero.
		for slot in range(region.slots_used):
			backed = region.slot(slot, "backed")
			self.assertTrue(backed <= region.cells_max)
			if backed < region.cells_max:
				self.assertEqual(region.cell(slot, backed), 0)

	def test_a_region_made_by_the_page_is_read(self):
		"""Sizes and offsets that no program of ours has, as a later minor version may have them."""
		longer = {"header": 400, "record": 48, "text": 24}
		index, entries, cells, stride, slots = 1024, 2048, 8192, 512, 3
		data = bytearray(cells + slots * stride)
		for name, value in {
			"magic": b"TALLYRGN", "byte_order": 0x01020304, "major": 1, "minor": 3, "header_size": longer["header"],
			"flags": 5, "total_size": len(data), "incarnation": b"0123456789abcdef", "pid": 77, "table_offset": 512,
			"slots_max": slots, "slot_record_size": longer["record"], "index_offset": index, "index_max": 16,
			"cells_max": 20, "entries_offset": entries, "entries_size": 4096, "cells_offset": cells,
			"slot_stride": stride, "program": b"by hand", "slots_used": slots, "entries_used": 4096,
		}.items():
			HEADER.write(data, 0, name, value)
		for slot in range(slots):
			SLOT.write(data, 512 + slot * longer["record"], "backed", 20)
		at = entries
		for i, (kind, name, cell, count) in enumerate([(1, b"a_total", 1, 1), (9, b"new kind", 2, 4), (2, b"b", 6, 2),
							      (3, b"c", 8, 1)]):
			# Longer than its texts need: something may follow them one day.
			for field, value in {"size": 80, "kind": kind, "cell": cell, "cells": count,
					     "name_length": len(name), "help_length": 2}.items():
				ENTRY.write(data, at, field, value)
			text = name + b"\0H.\0"
			data[at + longer["text"]:at + longer["text"] + len(text)] = text
			struct.pack_into("=Q", data, index + i * 8, fnv1a(stem(name)) << 32 | at)
			at += 80
		for slot, cell, count in [(0, 1, 1), (1, 1, 2), (2, 1, 2**63), (0, 6, 5), (2, 7, 9), (0, 8, 2**64 - 4), (1, 8, 7)]:
			struct.pack_into("=Q", data, cells + slot * stride + cell * 8, count)
		path = self.folder / "made"
		path.write_bytes(data)
		expected = [("a_total", 2**63 + 3), ("b", -4), ("c", -4)]
		document = self.cat(path)
		self.assertEqual([(m["name"], m["value"]) for m in document["metrics"]], expected)
		self.assertEqual((document["program"], document["pid"]), ("by hand", 77))
		self.assertEqual(self.open(path).metrics(), document["metrics"])


unittest.main()
