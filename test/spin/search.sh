# For the tests of this folder, which source it: right and wrong say what an exhaustive search must find.
set -eu
command -v spin >/dev/null || { echo "spin is not installed: skipped"; exit 77; }
cd "$(dirname "$0")"
here=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# search MODEL OPTIONS...: prints the number of errors that an exhaustive search ends with.
search() {
	model=$1
	shift
	spin "$@" -a "$here/$model.pml" >spin.log 2>&1 || { cat spin.log >&2; return 1; }
	${CC:-cc} -w -O1 -DSAFETY -DCOLLAPSE -o pan pan.c
	./pan -m200000 >pan.log 2>&1
	! grep -qE 'max search depth too small|out of memory' pan.log
	sed -n 's/.*errors: \([0-9]*\).*/\1/p' pan.log
}

right() {
	errors=$(search "$@")
	echo "$*: $errors errors, $(sed -n 's/ *\([0-9]*\) states, stored/\1/p' pan.log) states"
	[ "$errors" = 0 ] || { cat pan.log; exit 1; }
}

wrong() {
	errors=$(search "$@")
	echo "$*: $(grep 'pan:1' pan.log || true)"
	[ "$errors" = 1 ] || { echo "the planted mistake was not found"; exit 1; }
}

