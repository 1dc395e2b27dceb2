#!/bin/sh
# An installed tree has what it should, works when it was moved to a path with blanks, and by pkg-config.
set -eu
. "$TALLY_SOURCE/test/install/tree.sh"

# Every public header and every page of the manual is there, and no path of the build.
(cd "$TALLY_SOURCE/include" && find . -name '*.h' | sort) >"$work/ours"
(cd "$prefix/include" && find . -type f | sort) | diff "$work/ours" -
for page in "$TALLY_SOURCE"/doc/man/*.[1-8]; do
	[ -f "$prefix/share/man/man${page##*.}/${page##*/}" ] || { echo "${page##*/} is not installed"; exit 1; }
done
# Each function that a header declares, but for forms of one that is there, has a page under its own name.
for call in tally_atomic_u64_add tally_atomic_bool_compare_and_swap tally_atomic_ptr_load \
	$(sed -nE 's/^(TALLY_API|static inline) .*\b(tally_[a-z]\w*)\(.*/\2/p' \
		"$TALLY_SOURCE"/include/tally/[b-z]*.h); do
	page=$prefix/share/man/man3/$call.3
	[ -f "$page" ] || { echo "no page for $call"; exit 1; }
	[ "$(wc -l <"$page")" != 1 ] || page=$prefix/share/man/$(sed 's/^\.so //' "$page")
	grep -q "${call#tally_atomic_*_}" "$page" || { echo "$page says nothing of $call"; exit 1; }
done
cmp "$TALLY_SOURCE/tools/tally-gdb.py" "$prefix/share/tally/tally-gdb.py"
if grep -rIF -e "$TALLY_SOURCE" -e "$TALLY_BUILD" -e "$work" "$prefix"; then
	echo "an installed file names a folder that a user has not"
	exit 1
fi

# The command finds its library and headers from where it stands now.
prints_ops "$prefix/bin/tally" run "$seed"
if printf 'int main(void) { return 0; }\n' | "$CC" -fsanitize=thread -x c - -o "$work/probe" 2>/dev/null; then
	prints_ops "$prefix/bin/tally" run -race "$seed"
fi

# pkg-config: shared and static, in C and C++. It writes blanks for a shell to read again.
command -v pkg-config >/dev/null || { echo "no pkg-config"; exit 77; }
export PKG_CONFIG_PATH="$libdir/pkgconfig"
version=$("$prefix/bin/tally" --version)
[ "${version##* }" = "$(pkg-config --modversion tally)" ] || { echo "pkg-config and $version differ"; exit 1; }
eval "\"\$CC\" -std=c11 -Wall -Werror \"\$seed\" $(pkg-config --cflags --libs tally)" -o '"$work/shared"'
prints_ops env LD_LIBRARY_PATH="$libdir" "$work/shared"
LD_LIBRARY_PATH="$libdir" ldd "$work/shared" >"$work/loads"
grep -q "libtally.so.0 => $libdir/libtally.so.0" "$work/loads" || { cat "$work/loads"; exit 1; }
eval "\"\$CC\" -std=c11 \"\$seed\" $(pkg-config --cflags --libs tally | sed 's/-ltally/-l:libtally.a/')" -o '"$work/static"'
prints_ops "$work/static"
if command -v g++ >/dev/null; then
	printf '#include <cstdio>\n#include <tally/tally.h>\n%s\n' 'static void add(void *p) {
		tally_atomic_u64_add(static_cast<tally_atomic_u64 *>(p), 1000); }
	int main() { tally_atomic_u64 ops = {0}; tally_waitgroup wg = {{0}};
		for (int i = 0; i < 50; i++) tally_waitgroup_go(&wg, add, &ops);
		tally_waitgroup_wait(&wg);
		std::printf("ops: %d\n", static_cast<int>(tally_atomic_u64_load(&ops))); }' >"$work/seed.cc"
	eval "g++ -std=c++11 -Wall -Wextra -Werror \"\$work/seed.cc\" $(pkg-config --cflags --libs tally)" -o '"$work/cc"'
	prints_ops env LD_LIBRARY_PATH="$libdir" "$work/cc"
fi
