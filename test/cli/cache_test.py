#!/usr/bin/env python3
"""What tally run keeps: when it compiles again and when not, many at once, limits, and folders it cannot use."""
import os
import shutil
import subprocess

import cli


def program(text):
	return f'#include <stdio.h>\nint main(void) {{ puts("{text}"); }}\n'


class Keys(cli.CommandTest):
	"""It compiles again when, and only when, something is different."""

	def setUp(self):
		super().setUp()
		self.compiled = self.compiler()
		self.expected = 0

	def run_and_count(self, output, new, *words, **more):
		"""A run prints the output, and has compiled `new` programs."""
		self.assertRuns(self.tally("run", *words, **more), output)
		self.expected += new
		self.assertEqual(self.compiled(), self.expected, f"wrong number of compilations for {words}")

	def test_content(self):
		self.write("text.c", program("one"))
		self.run_and_count("one\n", 1, "text.c")
		self.run_and_count("one\n", 0, "text.c")
		os.utime(self.folder / "text.c")
		self.run_and_count("one\n", 0, "text.c", "argument")
		self.write("text.c", program("two"))
		self.run_and_count("two\n", 1, "text.c")
		self.write("text.c", program("one"))
		self.run_and_count("one\n", 0, "text.c")

	def test_headers(self):
		self.write("text.c", '#include "inc/outer.h"\n' + program('" TEXT "'))
		self.write("inc/outer.h", "#include <inner.h>\n")
		self.write("other/inner.h", '#define TEXT "one"\n')
		self.settle()
		env = {"CFLAGS": "-Iinc -Iother"}
		self.run_and_count("one\n", 1, "text.c", env=env)
		self.run_and_count("one\n", 0, "text.c", env=env)
		os.utime(self.folder / "inc/outer.h")
		self.run_and_count("one\n", 0, "text.c", env=env)
		before = (self.folder / "other/inner.h").stat()
		self.write("other/inner.h", '#define TEXT "two"\n')
		# Neither its size nor its time gives it away.
		os.utime(self.folder / "other/inner.h", ns=(before.st_atime_ns, before.st_mtime_ns))
		self.settle()
		self.run_and_count("two\n", 1, "text.c", env=env)
		self.run_and_count("two\n", 0, "text.c", env=env)
		self.write("other/inner.h", '#define TEXT "one"\n')
		self.run_and_count("one\n", 0, "text.c", env=env)
		(self.folder / "inc/outer.h").unlink()
		result = self.tally("run", "text.c", env=env)
		self.assertEqual(result.returncode, 1)
		self.assertIn("outer.h", result.stderr)

	def test_headers_of_each_of_several_files(self):
		self.write("a.h", '#define A "one"\n')
		self.write("b.h", '#define B "one"\n')
		self.write("a.c", '#include "a.h"\n#include <stdio.h>\nextern const char *b;\n'
			   "int main(void) { puts(A); puts(b); }\n")
		self.write("b.c", '#include "b.h"\nconst char *b = B;\n')
		self.settle()
		self.run_and_count("one\none\n", 1, "a.c", "b.c")
		self.run_and_count("one\none\n", 0, "a.c", "b.c")
		self.write("a.h", '#define A "two"\n')
		self.settle()
		self.run_and_count("two\none\n", 1, "a.c", "b.c")
		self.write("b.h", '#define B "two"\n')
		self.settle()
		self.run_and_count("two\ntwo\n", 1, "a.c", "b.c")
		self.run_and_count("two\ntwo\n", 0, "a.c", "b.c")
		# The order and the set of files count too.
		self.run_and_count("two\ntwo\n", 1, "b.c", "a.c")

	def test_headers_of_commands_and_of_standard_input(self):
		self.write("text.h", '#define TEXT "one"\n')
		source = '#include "text.h"\n' + program('" TEXT "')
		self.write("command", "#!tally run\n" + source)
		self.settle()
		for words, more in ((["command"], {}), (["-"], {"input": source})):
			self.write("text.h", '#define TEXT "one"\n')
			self.settle()
			self.run_and_count("one\n", 1, *words, **more)
			self.run_and_count("one\n", 0, *words, **more)
			self.write("text.h", '#define TEXT "two"\n')
			self.settle()
			self.run_and_count("two\n", 1, *words, **more)
			self.run_and_count("two\n", 0, *words, **more)

	def test_flags_and_variables(self):
		self.write("text.c", "#ifndef X\n#define X \"one\"\n#endif\n" + program('" X "'))
		self.write("given/extra.h", "")
		self.run_and_count("one\n", 1, "text.c")
		self.run_and_count("two\n", 1, "text.c", env={"CFLAGS": '-DX="two"'})
		self.run_and_count("three\n", 1, "text.c", env={"CPPFLAGS": '-DX="three"'})
		self.run_and_count("one\n", 1, "text.c", env={"LDFLAGS": "-rdynamic"})
		self.run_and_count("one\n", 1, "text.c", env={"LDLIBS": "-lm"})
		self.run_and_count("one\n", 1, "text.c", env={"CPATH": "given"})
		self.run_and_count("one\n", 0, "text.c")
		self.run_and_count("two\n", 0, "text.c", env={"CFLAGS": ' -DX="two" '})
		# What the program alone looks at is no part of it.
		self.run_and_count("one\n", 0, "text.c", env={"SOMETHING": "else"})

	def test_places(self):
		self.write("a/text.c", program('" __FILE__ "'))
		shutil.copytree(self.folder / "a", self.folder / "b")
		self.run_and_count("a/text.c\n", 1, "a/text.c")
		self.run_and_count("b/text.c\n", 1, "b/text.c")
		self.run_and_count("text.c\n", 1, "text.c", cwd=self.folder / "a")
		self.run_and_count("text.c\n", 0, "text.c", cwd=self.folder / "a")
		self.run_and_count("text.c\n", 1, "text.c", cwd=self.folder / "b")

	def test_the_compiler(self):
		self.write("text.c", program("one"))
		self.run_and_count("one\n", 1, "text.c")
		self.settle()
		compiler = self.folder / "compiler"
		compiler.write_text(compiler.read_text() + "\n# newer\n")
		self.run_and_count("one\n", 1, "text.c")
		# It need not be the first word, and is looked up as a shell does.
		self.write("elsewhere/text.c", program("one"))
		for name in (compiler, "compiler"):
			more = {"cwd": self.folder / "elsewhere",
				"env": {"CC": f"env {name}", "PATH": f"{self.folder}:{self.env['PATH']}"}}
			self.run_and_count("one\n", 1, "text.c", **more)
			self.settle()
			compiler.write_text(compiler.read_text() + "\n# newer\n")
			self.run_and_count("one\n", 1, "text.c", **more)
			self.run_and_count("one\n", 0, "text.c", **more)

	def test_libraries(self):
		self.write("text.c", "#include <stdio.h>\nextern const char *text;\nint main(void) { puts(text); }\n")
		folder = self.folder / "lib"
		folder.mkdir()

		def make(text):
			self.write("lib/text.c", f'const char *text = "{text}";\n')
			subprocess.run("cc -c text.c && rm -f libtext.a && ar rc libtext.a text.o", shell=True, cwd=folder, check=True)

		for env in ({"LDLIBS": "lib/libtext.a"}, {"LDFLAGS": "-Llib", "LDLIBS": "-ltext"}):
			make("one")
			self.run_and_count("one\n", 1, "text.c", env=env)
			self.run_and_count("one\n", 0, "text.c", env=env)
			make("two")
			self.run_and_count("two\n", 1, "text.c", env=env)

	def test_tally_itself(self):
		prefix = self.folder / "prefix"
		(prefix / "bin").mkdir(parents=True)
		(prefix / "lib").mkdir()
		shutil.copy(cli.TALLY, prefix / "bin")
		shutil.copy(cli.BUILD / "libtally.a", prefix / "lib")
		shutil.copytree(cli.SOURCE / "include/tally", prefix / "include/tally")
		self.write("one.c", "#include <tally/atomic.h>\nint main(void) { return 0; }\n")
		self.settle()

		def count(new):
			self.assertRuns(self.call([prefix / "bin/tally", "run", "one.c"]))
			self.expected += new
			self.assertEqual(self.compiled(), self.expected)

		count(1)
		count(0)
		with open(prefix / "include/tally/base.h", "a") as header:
			header.write("/* newer */\n")
		self.settle()
		count(1)
		count(0)
		os.utime(prefix / "lib/libtally.a")
		count(1)
		count(0)

	def test_a_file_that_changes_while_it_is_compiled(self):
		self.write("text.c", '#include "text.h"\n' + program('" TEXT "'))
		self.write("text.h", '#define TEXT "one"\n')
		self.settle()
		# What is kept must not be found by the content that the compiler has not seen.
		self.compiled = self.compiler(after="""echo '#define TEXT "two"' >text.h""")
		self.run_and_count("one\n", 1, "text.c")
		self.settle()
		self.run_and_count("two\n", 1, "text.c")
		self.write("source.c", program("one"))
		self.compiled = self.compiler(after="cat two.c >source.c")
		self.write("two.c", program("two"))
		self.run_and_count("one\n", 1, "source.c")
		self.run_and_count("two\n", 1, "source.c")

	def test_a_source_that_changes_and_changes_back(self):
		self.write("source.c", program("one"))
		self.write("two.c", program("two"))
		self.compiled = self.compiler(before="[ -e once ] || { cp source.c one.c; cp two.c source.c; }",
					      after="[ -e once ] || { cp one.c source.c; touch once; }")
		# The compiler has seen the other one, of which the cache must not know.
		self.run_and_count("two\n", 1, "source.c")
		self.run_and_count("one\n", 1, "source.c")


class Store(cli.CommandTest):
	def programs(self):
		return sorted(path.name for path in self.cache.glob("*/*"))

	def size(self):
		return sum(path.lstat().st_blocks * 512 for path in self.cache.rglob("*"))

	def test_it_is_the_user_s_alone(self):
		self.write("a.c", cli.ECHO)
		self.assertRuns(self.tally("run", "a.c", preexec_fn=lambda: os.umask(0)))
		for path in (self.cache, *self.cache.iterdir()):
			self.assertEqual(path.stat().st_mode & 0o077, 0, path)
		shutil.rmtree(self.cache.parent)
		self.assertRuns(self.tally("run", "a.c", env={"XDG_CACHE_HOME": None}))
		self.assertEqual(len(list((self.folder / "home/.cache/tally").glob("*/a"))), 1)
		# A relative path counts for nothing.
		self.assertRuns(self.tally("run", "a.c", env={"XDG_CACHE_HOME": "relative"}))
		self.assertFalse((self.folder / "relative").exists())

	def test_many_at_once(self):
		for i in range(4):
			self.write(f"p{i}.c", program(f"program {i}"))
		for round in range(3):
			processes = [(i % 4, self.start("run", f"p{i % 4}.c")) for i in range(24)]
			for i, process in processes:
				self.assertEqual((process.communicate(), process.returncode), ((f"program {i}\n", ""), 0))
			self.assertEqual(self.programs(), ["p0", "p1", "p2", "p3"])
			if round == 1:
				shutil.rmtree(self.cache)

	def test_many_at_once_without_room(self):
		# Each removes what the others have just made.
		for i in range(4):
			self.write(f"p{i}.c", program(f"program {i}"))
		processes = [(i % 4, self.start("run", f"p{i % 4}.c", env={"TALLY_CACHE_SIZE": "1"})) for i in range(24)]
		for i, process in processes:
			self.assertEqual((process.communicate(), process.returncode), ((f"program {i}\n", ""), 0))
		self.assertLessEqual(len(self.programs()), 4)

	def test_it_is_removed_at_the_worst_moment(self):
		# A call of execv that removes its program first, below the cache.
		self.write("execv.c", r"""
			#define _GNU_SOURCE
			#include <dlfcn.h>
			#include <stdlib.h>
			#include <string.h>
			#include <unistd.h>
			int execv(const char *path, char *const *arguments)
			{
				if (strncmp(path, getenv("REMOVE_BELOW"), strlen(getenv("REMOVE_BELOW"))) == 0)
					unlink(path);
				int (*real)(const char *, char *const *) = (int (*)(const char *, char *const *))dlsym(RTLD_NEXT, "execv");
				return real(path, arguments);
			}
			""")
		result = self.call([self.real_compiler, "-shared", "-fPIC", "-o", "execv.so", "execv.c", "-ldl"])
		self.assertEqual(result.returncode, 0, result.stderr)
		self.write("a.c", cli.ECHO)
		env = {"LD_PRELOAD": self.folder / "execv.so", "REMOVE_BELOW": f"{self.cache}/"}
		self.assertRuns(self.tally("run", "a.c", env=env), "a\n")
		self.assertEqual(self.programs(), [])
		# Once when it is found, and again when it has been compiled.
		self.assertRuns(self.tally("run", "a.c"), "a\n")
		self.assertRuns(self.tally("run", "a.c", env=env), "a\n")
		self.assertEqual(self.programs(), [])

	def test_it_is_bounded(self):
		for i in range(8):
			self.write(f"p{i}.c", program(f"program {i}"))
		self.assertRuns(self.tally("run", "p0.c"))
		limit = 4 * self.size() + 4096
		env = {"TALLY_CACHE_SIZE": limit}
		for i in range(1, 4):
			self.assertRuns(self.tally("run", f"p{i}.c", env=env))
		self.assertEqual(self.programs(), ["p0", "p1", "p2", "p3"])
		# What was used longest ago goes first.
		self.settle()
		self.assertRuns(self.tally("run", "p0.c", env=env))
		for i in range(4, 8):
			self.settle()
			self.assertRuns(self.tally("run", f"p{i}.c", env=env), f"program {i}\n")
			self.assertLessEqual(self.size(), limit)
			self.assertIn(f"p{i}", self.programs())
			self.assertEqual("p0" in self.programs(), i < 7, self.programs())
		# The last one is kept, however small the limit.
		self.assertRuns(self.tally("run", "p1.c", env={"TALLY_CACHE_SIZE": 1}))
		self.assertEqual(self.programs(), ["p1"])

	def test_it_removes_nothing_else(self):
		self.write("a.c", cli.ECHO)
		for name in ("0" * 63, "0" * 65, "g" * 64, "0" * 64 + ".file", ".hidden", "notes"):
			path = self.cache / name
			path.mkdir(parents=True)
			(path / "file").write_text("x" * 10000)
			os.utime(path / "file", (1, 1))
		self.cache.chmod(0o700)
		before = set(self.cache.glob("*/*"))
		self.assertRuns(self.tally("run", "a.c", env={"TALLY_CACHE_SIZE": 1}))
		self.assertRuns(self.tally("run", "a.c", env={"TALLY_CACHE_SIZE": 1, "CFLAGS": "-O0"}))
		self.assertEqual(len(set(self.cache.glob("*/*")) - before), 1)
		self.assertLess(before, set(self.cache.glob("*/*")))

	def test_a_program_goes_on_when_it_is_removed(self):
		self.write("wait.c", "#include <stdio.h>\nint main(void)\n"
			   "{ puts(\"ready\"); fflush(stdout); getchar(); puts(\"done\"); }\n")
		process = self.start("run", "wait.c", stdin=subprocess.PIPE)
		self.assertEqual(process.stdout.readline(), "ready\n")
		self.write("other.c", cli.ECHO)
		self.assertRuns(self.tally("run", "other.c", env={"TALLY_CACHE_SIZE": 1}))
		self.assertEqual(self.programs(), ["other"])
		self.assertEqual(process.communicate("\n"), ("done\n", ""))
		self.assertEqual(process.returncode, 0)

	def test_what_is_damaged_is_made_again(self):
		self.write("a.c", cli.ECHO)
		compiled = self.compiler()

		def damage(pattern, action):
			before = compiled()
			(path,) = self.cache.glob(pattern)
			action(path)
			self.assertRuns(self.tally("run", "a.c"), "a\n")
			self.assertEqual(compiled(), before + 1)
			self.assertRuns(self.tally("run", "a.c"), "a\n")
			self.assertEqual(compiled(), before + 1)

		self.assertRuns(self.tally("run", "a.c"), "a\n")
		damage("*/a", lambda path: os.truncate(path, 0))
		damage("*/a", lambda path: path.write_text("not a program\n"))
		damage("*/a", lambda path: path.unlink())
		damage("*.files", lambda path: os.truncate(path, 0))
		damage("*.files", lambda path: path.write_bytes(b"/dev/null\0/no/such\0"))
		damage("*.files", lambda path: path.unlink())

	def test_remains_of_others_go_in_time(self):
		self.write("a.c", cli.ECHO)
		old = self.cache / "tally-oldone"
		old.mkdir(parents=True)
		(old / "program").touch()
		os.utime(old, (1, 1))
		young = self.cache / "tally-young"
		young.mkdir()
		self.cache.chmod(0o700)
		self.assertRuns(self.tally("run", "a.c"))
		self.assertFalse(old.exists())
		self.assertTrue(young.exists())
		young.rmdir()

	def test_the_size_is_read(self):
		self.write("a.c", cli.ECHO)
		for text in ("0", "12345", "64K", "1M", "2G", "1T", "18446744073709551615", ""):
			self.assertRuns(self.tally("run", "a.c", env={"TALLY_CACHE_SIZE": text}))
		for text in ("x", "-1", "1.5M", "1MB", "1 M", "M", " 1", "99999999T", "18446744073709551616", "1m"):
			self.assertFails(self.tally("run", "a.c", env={"TALLY_CACHE_SIZE": text}), f"TALLY_CACHE_SIZE={text} ")


class Without(cli.CommandTest):
	"""Where nothing can be kept, programs run all the same, and leave nothing."""

	def check(self, why, env, **more):
		self.write("a.c", cli.ECHO)
		for _ in range(2):
			result = self.tally("run", "-v", "a.c", "x", env=env, **more)
			self.assertEqual((result.returncode, result.stdout), (0, "a\nx\n"), result.stderr)
			self.assertIn(why, result.stderr)
			self.assertEqual(self.leftovers(), [])
		result = self.tally("run", "a.c", env=env, **more)
		self.assertRuns(result, "a\n")

	def test_no_home(self):
		self.check("neither XDG_CACHE_HOME nor HOME", {"XDG_CACHE_HOME": None, "HOME": None})
		self.check("neither XDG_CACHE_HOME nor HOME", {"XDG_CACHE_HOME": "", "HOME": "relative"})

	def test_no_room(self):
		self.check("TALLY_CACHE_SIZE is 0", {"TALLY_CACHE_SIZE": 0})
		self.assertFalse(self.cache.exists())

	def test_no_folder(self):
		self.check("cannot be made", {"XDG_CACHE_HOME": "/dev/null"})
		self.check("cannot be made", {"XDG_CACHE_HOME": "/proc/none"})

	def test_not_writable(self):
		self.cache.mkdir(parents=True)
		more = self.unprivileged()
		if more:
			os.chown(self.cache, cli.NOBODY, cli.NOBODY)
			self.folder.chmod(0o755)
			self.temporary.chmod(0o777)
		self.cache.chmod(0o500)
		self.check("not writable", {}, **more)

	def test_of_others(self):
		self.cache.mkdir(parents=True)
		self.cache.chmod(0o770)
		self.check("others may write", {})
		self.cache.chmod(0o707)
		self.check("others may write", {})
		if os.geteuid() == 0:
			self.cache.chmod(0o700)
			os.chown(self.cache, cli.NOBODY, cli.NOBODY)
			self.check("belongs to others", {})
		self.assertEqual(list(self.cache.iterdir()), [])


cli.main()
