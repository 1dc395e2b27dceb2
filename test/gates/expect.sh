# For the tests of this folder: plants breaches in a small tree and looks whether a tool sees them.
# A test sources this, then calls plant and sees.

tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
mkdir -p "$tree/src/platform" "$tree/src/count" "$tree/src/sched" "$tree/include/tally" "$tree/cmd/tally"
cp "$TALLY_SOURCE/src/LAYERS" "$tree/src/"

# plant FILE: the file is what standard input says.
plant() {
	cat >"$tree/$1"
}

# sees TOOL TEXT...: the tool refuses the tree, with all of the texts in what it says.
sees() {
	tool=$1
	shift
	if said=$("$TALLY_SOURCE/tools/$tool" "$tree"); then
		echo "$tool accepts a tree that it should not:"
		find "$tree" -type f
		exit 1
	fi
	for text; do
		case $said in
		*"$text"*) ;;
		*)
			echo "$tool does not say \"$text\", but:"
			echo "$said"
			exit 1 ;;
		esac
	done
}

# accepts TOOL: the tool finds nothing in the tree.
accepts() {
	if ! said=$("$TALLY_SOURCE/tools/$1" "$tree"); then
		echo "$1 refuses a tree that it should not:"
		echo "$said"
		exit 1
	fi
}
