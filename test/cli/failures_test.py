#!/usr/bin/env python3
"""tally run, where something is wrong: what the compiler says with 1, what tally says with 125, in one line."""
import os
import shutil
import signal
import time

import cli


class Compiler(cli.CommandTest):
	def test_errors_are_the_compiler_s_own(self):
		self.write("wrong.c", "int main(void)\n{\n\treturn x;\n}\n")
		words = [self.env.get("CC", "cc"), "-Wall", "-c", "-o", "/dev/null", "wrong.c"]
		expected = self.call(words).stderr
		self.assertIn("wrong.c:3", expected)
		for _ in range(2):
			result = self.tally("run", "wrong.c")
			self.assertEqual((result.returncode, result.stdout, result.stderr), (1, "", expected))

	def test_errors_of_the_linker(self):
		self.write("wrong.c", "int missing(void);\nint main(void) { return missing(); }\n")
		result = self.tally("run", "wrong.c")
		self.assertEqual((result.returncode, result.stdout), (1, ""))
		self.assertIn("missing", result.stderr)

	def test_warnings_are_shown_and_the_program_runs(self):
		self.write("unused.c", "int main(void)\n{\n\tint unused;\n\treturn 3;\n}\n")
		result = self.tally("run", "unused.c")
		self.assertEqual((result.returncode, result.stdout), (3, ""))
		self.assertRegex(result.stderr, r"unused\.c:3:\d+: warning: .*\[-Wunused-variable\]")

	def test_what_it_prints_is_not_the_program_s(self):
		self.compiler(before="echo chatter")
		self.write("echo.c", cli.ECHO)
		result = self.tally("run", "echo.c")
		self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "echo\n", "chatter\n"))

	def test_it_does_not_take_the_program_s_input(self):
		self.compiler(before="cat >&2")
		self.write("copy.c", "#include <stdio.h>\nint main(void) { for (int c; (c = getchar()) != EOF;) putchar(c); }\n")
		self.assertRuns(self.tally("run", "copy.c", input="input\n"), "input\n")

	def test_options_and_variables(self):
		self.write("more.c", "#include <math.h>\n#include <stdio.h>\nint main(int argc, char **argv)\n"
			   "{ (void)argv; printf(\"%s %d %d %g\\n\", TEXT, CODE, __STDC_VERSION__ > 201710, sqrt(argc + 3)); }\n")
		env = {"CPPFLAGS": "-DTEXT=\"x\"", "CFLAGS": " -DCODE=7\t-std=gnu11  ", "LDLIBS": "-lm", "LDFLAGS": "-static",
		       "CC": f"env {self.env.get('CC', 'cc')}"}
		result = self.tally("run", "-v", "more.c", env=env)
		self.assertEqual((result.returncode, result.stdout), (0, "x 7 0 2\n"))
		self.assertRegex(result.stderr, r"^/\S*/env \S+ .* -DCODE=7 -std=gnu11 .* -static .* more\.c .*libtally\.a -lm\n"
				 r"tally: running \S+/more\n$")
		self.assertRegex(self.tally("run", "-v", "more.c", env=env).stderr, r"^tally: running \S+/more\n$")

	def test_the_default_compilers(self):
		self.write("echo.c", cli.ECHO)
		bin = self.folder / "bin"
		bin.mkdir()
		for name in ("env", "sh", "ld", "as"):
			(bin / name).symlink_to(shutil.which(name))
		env = {"CC": None, "PATH": bin}
		self.assertFails(self.tally("run", "echo.c", env=env), "no C compiler (cc, gcc or clang)", "install")
		real = self.env.get("CC", "cc")
		for name in ("clang", "gcc", "cc"):
			self.write(f"bin/{name}", f'#!/bin/sh\necho {name} >&2\nPATH="{self.env["PATH"]}" exec {real} "$@"\n', 0o755)
			result = self.tally("run", "echo.c", env=env)
			self.assertEqual((result.returncode, result.stderr), (0, f"{name}\n"))
		# A compiler in the environment comes first, and an empty one is none.
		self.assertRuns(self.tally("run", "echo.c", env={"CC": real, "PATH": bin}))
		self.assertEqual(self.tally("run", "echo.c", env={"CC": " ", "PATH": bin, "TALLY_CACHE_SIZE": 0}).stderr, "cc\n")


class Failures(cli.CommandTest):
	def setUp(self):
		super().setUp()
		self.write("echo.c", cli.ECHO)

	def test_files(self):
		self.assertFails(self.tally("run", "missing.c"), "cannot read missing.c: No such file")
		self.assertFails(self.tally("run", "echo.c", "missing.c"), "cannot read missing.c: No such file")
		(self.folder / "folder.c").mkdir()
		self.assertFails(self.tally("run", "folder.c"), "cannot read folder.c: Is a directory")
		self.write("text", cli.ECHO)
		self.assertFails(self.tally("run", "text"), "text is no C source", ".c", "#!")
		self.write("empty", "")
		self.assertFails(self.tally("run", "empty"), "no C source")
		self.write("secret.c", cli.ECHO, 0o000)
		os.chmod(self.folder, 0o755)
		self.assertFails(self.tally("run", "secret.c", **self.unprivileged()), "cannot read secret.c: Permission denied")
		self.assertFails(self.call(["sh", "-c", f"{cli.TALLY} run - <&-"]), "cannot read standard input: Bad file")

	def test_no_compiler(self):
		self.assertFails(self.tally("run", "echo.c", env={"CC": "no-such-cc -O2"}), '"no-such-cc"', "CC")
		self.assertFails(self.tally("run", "echo.c", env={"CC": "/no/such/cc"}), '"/no/such/cc"', "CC")
		self.assertFails(self.tally("run", "echo.c", env={"CC": None, "PATH": ""}), "no C compiler", "PATH")
		self.write("echo.cc", "int main() { return 0; }\n")
		self.assertFails(self.tally("run", "echo.cc", env={"PATH": "/nowhere"}), "no C++ compiler", "CXX")
		self.assertFails(self.tally("run", "echo.cc", env={"CXX": "no-such-cxx"}), '"no-such-cxx"', "CXX")

	def test_a_compiler_that_does_not_start(self):
		path = self.write("compiler", "neither a script nor a program\n", 0o755)
		path.write_bytes(b"\x7fELF and no more")
		self.assertFails(self.tally("run", "echo.c", env={"CC": path}), "cannot start the compiler", path)

	def test_a_compiler_that_is_killed(self):
		path = self.write("compiler", "#!/bin/sh\nkill -9 $$\n", 0o755)
		self.assertFails(self.tally("run", "echo.c", env={"CC": path}), path, "killed by signal 9 (Killed)")

	def test_a_compiler_that_makes_nothing(self):
		path = self.write("compiler", "#!/bin/sh\nexit 0\n", 0o755)
		self.assertFails(self.tally("run", "echo.c", env={"CC": path}), "left no program")

	def test_no_folder_for_the_program(self):
		env = {"XDG_CACHE_HOME": "/dev/null", "TMPDIR": self.folder / "none"}
		self.assertRuns(self.tally("run", "echo.c", env=env), "echo\n")

	def test_a_signal_while_it_compiles(self):
		for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
			pid = self.folder / "pid"
			pid.unlink(missing_ok=True)
			path = self.write("compiler", f"#!/bin/sh\necho $$ >{pid}.new\nmv {pid}.new {pid}\nexec sleep 1000\n", 0o755)
			process = self.start("run", "echo.c", env={"CC": path})
			while not pid.exists():
				self.assertIsNone(process.poll())
				time.sleep(0.01)
			process.send_signal(number)
			process.communicate()
			self.assertEqual(cli.died_of(process.returncode), number.name)
			with self.assertRaises(ProcessLookupError):
				os.kill(int(pid.read_text()), 0)
			self.assertEqual(self.leftovers(), [])


	def test_a_signal_that_is_ignored_while_it_compiles(self):
		pid = self.folder / "pid"
		self.compiler(before=f"echo $PPID >{pid}.new\nmv {pid}.new {pid}\nwhile [ -e {pid} ]; do sleep 0.02; done")
		process = self.start("run", "echo.c", preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
		while not pid.exists():
			self.assertIsNone(process.poll())
			time.sleep(0.01)
		process.send_signal(signal.SIGINT)
		time.sleep(0.1)
		pid.unlink()
		self.assertEqual(process.communicate(), ("echo\n", ""))
		self.assertEqual(process.returncode, 0)


class Places(cli.CommandTest):
	"""The command finds the headers and libraries that belong to it, wherever it is."""

	def install(self, name, libraries):
		prefix = self.folder / name
		for source, target in ((cli.TALLY, "bin/tally"), (cli.BUILD / "libtally.a", f"{libraries}/libtally.a"),
				       (cli.BUILD / "libtally_race.a", f"{libraries}/libtally_race.a")):
			(prefix / target).parent.mkdir(parents=True, exist_ok=True)
			shutil.copy(source, prefix / target)
		shutil.copytree(cli.SOURCE / "include/tally", prefix / "include/tally")
		return prefix

	def test_a_tree_can_be_moved(self):
		self.write("here.c", "#include <stdio.h>\n#include <tally/atomic.h>\nint main(void)\n"
			   "{ tally_atomic_u32 n = {0}; return (int)tally_atomic_u32_add(&n, 9); }\n")
		for libraries in ("lib", "lib64"):
			prefix = self.install(f"prefix of {libraries}", libraries)
			moved = self.folder / f"moved {libraries}"
			prefix.rename(moved)
			(self.folder / libraries).symlink_to(moved / "bin/tally")
			for command in (moved / "bin/tally", self.folder / libraries):
				result = self.call([command, "run", "-v", "here.c"], env={"TALLY_CACHE_SIZE": "0"})
				self.assertEqual(result.returncode, 9, result.stderr)
				self.assertIn(f"'{moved}/include'", result.stderr)
				self.assertIn(f"'{moved}/{libraries}/libtally.a'", result.stderr)

	def test_the_tree_where_it_is_built(self):
		self.write("echo.c", "#include <tally/atomic.h>\n" + cli.ECHO)
		for words in ([], ["-race"]):
			result = self.call([cli.BUILD / "bin/tally", "run", "-v", *words, "echo.c"])
			self.assertEqual((result.returncode, result.stdout), (0, "echo\n"), result.stderr)
			self.assertIn(f"{cli.SOURCE.resolve()}/include", result.stderr)

	def test_what_is_missing_is_named(self):
		self.write("echo.c", cli.ECHO)
		prefix = self.install("prefix", "lib")
		command = prefix / "bin/tally"
		(prefix / "lib/libtally_race.a").unlink()
		self.assertRuns(self.call([command, "run", "echo.c"]))
		self.assertFails(self.call([command, "run", "-race", "echo.c"]), "libtally_race.a", prefix, "reinstall")
		(prefix / "lib/libtally.a").unlink()
		self.assertFails(self.call([command, "run", "echo.c"]), "libtally.a", prefix, "reinstall")
		shutil.rmtree(prefix / "include")
		self.assertFails(self.call([command, "run", "echo.c"]), "tally/tally.h", prefix, "reinstall")


cli.main()
