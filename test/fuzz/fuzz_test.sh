#!/bin/sh
# Fuzzes everything that parses what others wrote, from the committed corpus, for a few seconds each; TALLY_SOAK_SECONDS
# says for how long instead. A crash leaves its input in build/fuzz.
set -eu
cd "$TALLY_SOURCE"
CC=clang
command -v $CC >/dev/null || { echo "clang is not installed: skipped"; exit 77; }
work=build/fuzz
mkdir -p "$work"
echo 'int LLVMFuzzerTestOneInput(const char *d, long n); int LLVMFuzzerTestOneInput(const char *d, long n) { (void)d; return n < 0; }' \
	>"$work/probe.c"
$CC -fsanitize=fuzzer "$work/probe.c" -o "$work/probe" 2>/dev/null ||
	{ echo "clang has no libFuzzer here: skipped"; exit 77; }
seconds=${TALLY_SOAK_SECONDS:-5}
seed=${TALLY_SEED:-$(date +%s)}
echo "seed $seed"

# fuzz NAME LONGEST SOURCE...
fuzz() {
	name=$1 longest=$2
	shift 2
	$CC -g -O1 -D_GNU_SOURCE -Iinclude -Isrc -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
		"test/fuzz/${name}_fuzz.c" "$@" -o "$work/$name"
	mkdir -p "$work/corpus-$name"
	# First what is known, each once; then from there.
	"$work/$name" -runs=0 -artifact_prefix="$work/$name-" "test/fuzz/corpus/$name" 2>"$work/$name.log" ||
		{ cat "$work/$name.log"; exit 1; }
	"$work/$name" -max_total_time="$seconds" -max_len="$longest" -seed="$seed" -timeout=10 -rss_limit_mb=1024 \
		-artifact_prefix="$work/$name-" "$work/corpus-$name" "test/fuzz/corpus/$name" >"$work/$name.log" 2>&1 ||
		{ tail -40 "$work/$name.log"; exit 1; }
	grep -E '^Done|stat::number_of_executed' "$work/$name.log" | sed "s/^/$name: /"
}

view="src/region/name.c src/view/json.c src/view/list.c src/view/name.c src/view/reader.c src/view/text.c
	src/view/view.c src/platform/linux/foreign.c"
# shellcheck disable=SC2086 # several files
fuzz region 4096 $view
# shellcheck disable=SC2086
fuzz name 2048 src/count/name.c $view
