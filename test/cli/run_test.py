#!/usr/bin/env python3
"""tally run: the program's own arguments, input, signals and exit codes; sources of all kinds; several of them."""
import os
import signal
import subprocess
import unittest

import cli


class Program(cli.CommandTest):
	"""What is run is as if it had been started by itself."""

	def test_arguments(self):
		self.write("some/echo.c", cli.ECHO)
		for words, expected in (
			([], []),
			(["x", "y z", ""], ["x", "y z", ""]),
			(["--"], []),
			(["--", "x.c", "-v"], ["x.c", "-v"]),
			(["-v", "--", "y"], ["-v", "--", "y"]),
			(["x", "y.c"], ["x", "y.c"]),
		):
			with self.subTest(words):
				self.assertRuns(self.tally("run", "some/echo.c", *words),
						"\n".join(["echo", *expected, ""]))

	def test_exit_codes(self):
		self.write("code.c", "#include <stdlib.h>\nint main(int c, char **v) { (void)c; return atoi(v[1]); }\n")
		for code in range(256):
			result = self.tally("run", "code.c", str(code))
			self.assertEqual((result.returncode, result.stdout, result.stderr), (code, "", ""))

	def test_standard_input(self):
		self.write("copy.c", "#include <stdio.h>\nint main(void) { for (int c; (c = getchar()) != EOF;) putchar(c); }\n")
		text = "one\ntwo\n" * 10000
		for _ in range(2):
			self.assertRuns(self.tally("run", "copy.c", input=text), text)

	def test_the_process_becomes_the_program(self):
		self.write("pid.c", "#include <stdio.h>\n#include <unistd.h>\nint main(void) { printf(\"%d\\n\", getpid()); }\n")
		for _ in range(2):
			process = self.start("run", "pid.c")
			self.assertEqual(process.communicate(), (f"{process.pid}\n", ""))

	def test_signals_end_it(self):
		self.write("wait.c", "#include <stdio.h>\n#include <unistd.h>\n"
			   "int main(void) { puts(\"ready\"); fflush(stdout); for (;;) pause(); }\n")
		for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL, signal.SIGUSR1):
			process = self.start("run", "wait.c")
			self.assertEqual(process.stdout.readline(), "ready\n")
			process.send_signal(number)
			process.communicate()
			self.assertEqual(cli.died_of(process.returncode), number.name)

	def test_dispositions_and_mask_are_passed_on(self):
		self.write("signals.c", r"""
			#include <signal.h>
			#include <stdio.h>
			int main(void)
			{
				sigset_t mask;
				sigprocmask(SIG_BLOCK, NULL, &mask);
				for (int i = 1; i < 32; i++) {
					struct sigaction now;
					sigaction(i, NULL, &now);
					if (now.sa_handler == SIG_IGN)
						printf("ignored %d\n", i);
					if (sigismember(&mask, i))
						printf("blocked %d\n", i);
				}
			}
			""")

		def prepare():
			for number in range(1, 32):
				if number not in (signal.SIGKILL, signal.SIGSTOP):
					signal.signal(number, signal.SIG_DFL)
			signal.signal(signal.SIGINT, signal.SIG_IGN)
			signal.signal(signal.SIGCHLD, signal.SIG_IGN)
			signal.pthread_sigmask(signal.SIG_SETMASK, [signal.SIGUSR2])

		expected = f"ignored {int(signal.SIGINT)}\nblocked {int(signal.SIGUSR2)}\nignored {int(signal.SIGCHLD)}\n"
		for _ in range(2):
			self.assertRuns(self.tally("run", "signals.c", preexec_fn=prepare), expected)

	def test_descriptors_and_environment_are_passed_on(self):
		self.write("see.c", r"""
			#include <stdio.h>
			#include <stdlib.h>
			#include <sys/stat.h>
			extern char **environ;
			int main(void)
			{
				struct stat status;
				for (int fd = 0; fd < 256; fd++)
					if (fstat(fd, &status) == 0)
						printf("%d ", fd);
				printf("%s\n", getenv("GIVEN"));
				for (; *environ; environ++)
					fprintf(stderr, "%s\n", *environ);
			}
			""")
		for cache in (self.env["XDG_CACHE_HOME"], self.env["XDG_CACHE_HOME"], "/dev/null"):
			env = self.environment({"GIVEN": "it", "XDG_CACHE_HOME": cache})
			with open("/dev/null") as null:
				os.dup2(null.fileno(), 77)
				result = subprocess.run([cli.TALLY, "run", "see.c"], env=env, cwd=self.folder, text=True,
							pass_fds=[77], stdin=subprocess.DEVNULL, capture_output=True)
				os.close(77)
			self.assertEqual(result.stdout, "0 1 2 77 it\n")
			self.assertEqual(sorted(result.stderr.splitlines()), sorted(f"{k}={v}" for k, v in env.items()))


class Sources(cli.CommandTest):
	def test_standard_input_as_source(self):
		self.assertRuns(self.tally("run", "-", "x", input=cli.ECHO), "stdin\nx\n")
		self.assertRuns(self.tally("run", "-", input="#!/usr/bin/env tally\n" + cli.ECHO), "stdin\n")
		# Nothing of it is left for the program.
		result = self.tally("run", "-", input="#include <stdio.h>\nint main(void) { return getchar() != EOF; }\n")
		self.assertRuns(result)
		result = self.tally("run", "-", input="int main(void) { return 0; }\nint wrong = x;\n")
		self.assertEqual(result.returncode, 1)
		self.assertIn("<stdin>:2:13: error:", result.stderr)
		# Its folder for #include is the one where tally is called.
		self.write("here.h", "#define CODE 3\n")
		result = self.tally("run", "-", input='#include "here.h"\nint main(void) { return CODE; }\n')
		self.assertEqual(result.returncode, 3, result.stderr)
		self.assertFails(self.tally("run", "-", "-", input=""), "standard input")

	def test_long_sources(self):
		text = cli.ECHO + "".join(f"/* line {i} */\n" for i in range(20000)) + "int wrong = x;\n"
		self.write("long.c", text)
		for words, more in ((["long.c"], {}), (["-"], {"input": text})):
			result = self.tally("run", *words, **more)
			self.assertEqual(result.returncode, 1)
			self.assertIn(f":{text.count(chr(10))}:13: error:", result.stderr)

	def test_a_file_that_is_a_command(self):
		self.write("tools/here.h", "#define GREETING \"hello\"\n")
		script = self.write("tools/greet", f"#!/usr/bin/env -S {cli.TALLY} run\n" + '#include "here.h"\n' +
				    cli.ECHO.replace("return 0", "puts(GREETING)"), 0o755)
		for _ in range(2):
			self.assertRuns(self.call([script, "x", "-race"], cwd="/"), "greet\nx\n-race\nhello\n")
		self.assertRuns(self.call(["tools/greet"]), "greet\nhello\n")
		named = self.write("named.c", f"#!/usr/bin/env -S {cli.TALLY} run --\n" + cli.ECHO, 0o755)
		self.assertRuns(self.call([named, "x"]), "named\nx\n")

	def test_lines_and_names_are_those_of_the_file(self):
		broken = "#include <stdio.h>\nint main(void)\n{\n\treturn x;\n}\n"
		for name, first, line in (("plain.c", "", 4), ("command.c", "#!/usr/bin/tally run\n", 5),
					  ("folder/command", "#!/usr/bin/tally run \\\n", 5),
					  ('folder/it"s a\\name.c', "#! x\n", 5), ("with blank.c", "", 4)):
			self.write(name, first + broken)
			result = self.tally("run", name)
			self.assertEqual((result.returncode, result.stdout), (1, ""))
			self.assertIn(f"{name}:{line}:", result.stderr)
			self.assertNotIn(str(self.folder), result.stderr)
		# What the program itself sees.
		self.write("line.c", "#! x\n#include <stdio.h>\nint main(void) { printf(\"%s:%d\\n\", __FILE__, __LINE__); }\n")
		self.assertRuns(self.tally("run", "line.c"), "line.c:3\n")

	def test_several_files(self):
		self.write("lib/twice.h", "int twice(int n);\n")
		self.write("lib/twice.c", '#include "twice.h"\nint twice(int n) { return 2 * n; }\n')
		self.write("main.c", '#include "lib/twice.h"\nint main(int argc, char **argv)\n'
			   "{ (void)argv; return twice(argc); }\n")
		self.write("same/main.c", "static int unused(void) { return 1; }\nint (*other)(void) = unused;\n")
		for code in (2, 2):
			result = self.tally("run", "main.c", "lib/twice.c", "same/main.c")
			self.assertEqual((result.returncode, result.stderr), (code, ""))
		result = self.tally("run", "main.c", "lib/twice.c", "same/main.c", "x", "y")
		self.assertEqual(result.returncode, 6)
		result = self.tally("run", "lib/twice.c", "-", input=(self.folder / "main.c").read_text())
		self.assertEqual((result.returncode, result.stderr), (2, ""))
		result = self.tally("run", "main.c")
		self.assertEqual(result.returncode, 1)
		self.assertIn("twice", result.stderr)

	def test_odd_names(self):
		for name in ("-odd.c", "with blank.c", "it's.c", 'quo"te.c', "back\\slash.c", "dollar$.c", "hash#.c",
			     "new\nline.c", "\u00e9.c", ".c.c", "a.b.c"):
			self.write(name, cli.ECHO)
			for _ in range(2):
				words = ["--", name] if name[0] == "-" else [name]
				self.assertRuns(self.tally("run", *words, "x"), f"{name[:-2]}\nx\n")
			# The compiler's list of files was understood. It has no way to write a name of two lines.
			if "\n" not in name:
				result = self.tally("run", "-v", *words)
				self.assertRegex(result.stderr, f"^tally: running {self.cache}/")

	@unittest.skipUnless(cli.first("c++", "g++", "clang++"), "no C++ compiler")
	def test_cpp(self):
		self.write("list.hpp", "#include <vector>\nextern \"C\" int total(void);\n")
		for suffix in ("cc", "cpp", "cxx"):
			self.write(f"list.{suffix}", '#include "list.hpp"\n#include <tally/atomic.h>\n'
				   "extern \"C\" int total(void) { std::vector<int> v(7, 1); int n = 0; for (int i : v) n += i; return n; }\n"
				   "#ifndef LIBRARY\nint main() { return total(); }\n#endif\n")
			for _ in range(2):
				result = self.tally("run", f"list.{suffix}")
				self.assertEqual((result.returncode, result.stderr), (7, ""))
		# Both languages, each by its own compiler.
		self.write("main.c", "int total(void);\nint main(void) { int class = total(); return class; }\n")
		result = self.tally("run", "main.c", "list.cc", env={"CXXFLAGS": "-DLIBRARY"})
		self.assertEqual((result.returncode, result.stderr), (7, ""))

	def test_a_pipe_as_source(self):
		self.write("echo.c", cli.ECHO)
		for _ in range(2):
			self.assertRuns(self.call(["sh", "-c", f"cat echo.c | {cli.TALLY} run /dev/stdin x"]), "stdin\nx\n")
		os.mkfifo(self.folder / "fifo.c")
		self.assertRuns(self.call(["sh", "-c", f"cat echo.c >fifo.c & {cli.TALLY} run fifo.c"]), "fifo\n")

	def test_the_mistake_of_a_plain_counter_is_an_error(self):
		self.write("plain.c", "#include <tally/atomic.h>\n"
			   "int main(void) { uint64_t ops = 0; tally_atomic_u64_add(&ops, 1); }\n")
		result = self.tally("run", "plain.c")
		self.assertEqual(result.returncode, 1)
		self.assertRegex(result.stderr, r"plain\.c:2:\d+: error:.*incompatible")


cli.main()
