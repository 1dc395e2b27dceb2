# For the tests of this folder: installs the build under test to a folder of its own, and moves it from there to
# $prefix, so that nothing may lean on the place it was installed to. A test sources this.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export XDG_CACHE_HOME="$work/cache"

cmake --install "$TALLY_BUILD" --prefix "$work/first" >"$work/log" || { cat "$work/log"; exit 1; }
prefix="$work/a place moved to"
mv "$work/first" "$prefix"
libdir=$(dirname "$(find "$prefix" -name libtally.a)")
seed=$TALLY_SOURCE/examples/atomic_counters.c

# prints_ops COMMAND...: the command prints what the seed's program prints, and nothing else.
prints_ops() {
	printed=$("$@") || { echo "failed: $*"; exit 1; }
	[ "$printed" = "ops: 50000" ] || { echo "printed \"$printed\": $*"; exit 1; }
}
