#!/bin/sh
# CMake projects use tally by find_package from a moved tree, by add_subdirectory, and by FetchContent, static and
# shared; as part of another project, tally builds only what that links.
set -eu
. "$TALLY_SOURCE/test/install/tree.sh"

# project NAME: a project in $work/NAME that gets tally as standard input says, built and run.
project() {
	mkdir -p "$work/$1"
	{
		echo 'cmake_minimum_required(VERSION 3.25)'
		echo 'project(user LANGUAGES C)'
		cat
		echo "add_executable(with_static \"$seed\")"
		echo 'target_link_libraries(with_static PRIVATE tally::tally)'
		echo "add_executable(with_shared \"$seed\")"
		echo 'target_link_libraries(with_shared PRIVATE tally::shared)'
	} >"$work/$1/CMakeLists.txt"
	name=$1
	shift
	if ! { cmake -S "$work/$name" -B "$work/$name/build" "$@" && cmake --build "$work/$name/build" -j 2; } >"$work/log" 2>&1; then
		cat "$work/log"
		echo "$name does not build"
		exit 1
	fi
	prints_ops "$work/$name/build/with_static"
	prints_ops "$work/$name/build/with_shared"
	! ldd "$work/$name/build/with_static" | grep tally || exit 1
	ldd "$work/$name/build/with_shared" | grep -q 'libtally\.so\.0 => /'
}

echo 'find_package(tally 0.1 REQUIRED)' | project found "-DCMAKE_PREFIX_PATH=$prefix"
if printf 'cmake_minimum_required(VERSION 3.25)\nproject(user LANGUAGES C)\nfind_package(tally 0.2 REQUIRED)\n' |
	{ mkdir "$work/newer" && cat >"$work/newer/CMakeLists.txt" &&
		cmake -S "$work/newer" -B "$work/newer/build" "-DCMAKE_PREFIX_PATH=$prefix" >/dev/null 2>&1; }; then
	echo "find_package(tally 0.2) takes 0.1"
	exit 1
fi

echo "add_subdirectory(\"$TALLY_SOURCE\" tally)" | project within
! find "$work/within/build" -name 'test_*' -o -name 'libtally_race.a' -o -path '*/bin/tally' | grep . || exit 1

project fetched "-DFETCHCONTENT_SOURCE_DIR_TALLY=$TALLY_SOURCE" <<'C'
include(FetchContent)
FetchContent_Declare(tally URL https://localhost/unused.tar.gz)
FetchContent_MakeAvailable(tally)
C
