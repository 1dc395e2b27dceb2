"""What the figures were measured on, and whether the machine was busy with something else meanwhile."""
import os
import platform
import resource
import subprocess
import time


def first(path, key):
	"""What follows KEY: or KEY= in the first line of the file that begins with it."""
	try:
		with open(path, encoding="utf-8") as file:
			for line in file:
				if line.startswith(key):
					return line[len(key):].strip().lstrip(":=").strip().strip('"')
	except OSError:
		pass
	return "unknown"


def version(*words):
	try:
		done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
				      check=False)
		return done.stdout.splitlines()[0] if done.returncode == 0 and done.stdout else ""
	except OSError:
		return ""


def describe(cc):
	"""A few lines for the table."""
	cpus = len(os.sched_getaffinity(0))
	virtual = "virtual, " if " hypervisor" in first("/proc/cpuinfo", "flags") else ""
	programs = [version(cc, "--version"), version("clang", "--version"), version("go", "version"),
		    version("java", "-version")]
	return [f"{first('/proc/cpuinfo', 'model name')}, {virtual}{cpus} CPUs, {platform.machine()}",
		f"{first('/etc/os-release', 'PRETTY_NAME')}, Linux {platform.release()}, "
		f"{platform.libc_ver()[0]} {platform.libc_ver()[1]}",
		"; ".join(p for p in programs if p)]


QUIET = 5  # per cent


def quiet(others):
	"""What to think of the figures when other programs had so many per cent of the CPUs."""
	rough = "" if others <= QUIET else ": not a quiet machine, take the figures as rough"
	return f"other programs had {others:.0f} % of the CPUs meanwhile{rough}"


class Load:
	"""The share of the CPUs that other programs took since this was made."""

	def __init__(self):
		self.start = self.now()

	@staticmethod
	def now():
		"""Seconds: of the clock, of all CPUs at work, and of this program and its children."""
		with open("/proc/stat", encoding="ascii") as file:
			ticks = [int(word) for word in file.readline().split()[1:9]]
		# user nice system idle iowait irq softirq steal
		busy = (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")
		own = sum(sum(resource.getrusage(who)[:2])
			  for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
		return time.monotonic(), busy, own

	def others(self):
		"""Per cent of all CPUs, with what the hypervisor gave to others."""
		wall, busy, own = (now - then for then, now in zip(self.start, self.now()))
		return max(0.0, 100 * (busy - own) / (wall * os.cpu_count())) if wall > 0 else 0.0
