// What the Go programs share: clocks, memory, and the protocol of bench/common/bench.h.
package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// span is wall-clock time and the CPU time of all threads, both in nanoseconds.
type span struct{ wall, cpu int64 }

func cpuTime() int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		fail("getrusage: %v", err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

var epoch = time.Now()

func start() span { return span{int64(time.Since(epoch)), cpuTime()} }

func (s span) stop() span { return span{int64(time.Since(epoch)) - s.wall, cpuTime() - s.cpu} }

func fail(format string, arguments ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", arguments...)
	os.Exit(1)
}

func check(what string, have, want uint64) {
	if have != want {
		fail("%s: %d instead of %d", what, have, want)
	}
}

// text is argument i, or otherwise if there are not that many.
func text(i int, otherwise string) string {
	if i >= len(os.Args) {
		return otherwise
	}
	return os.Args[i]
}

func number(i int, otherwise int) int {
	n, err := strconv.Atoi(text(i, strconv.Itoa(otherwise)))
	if err != nil {
		fail("argument %d: %v", i, err)
	}
	return n
}

// kib is what the line that begins with key says in a file of /proc, in bytes.
func kib(path, key string) int64 {
	content, err := os.ReadFile(path)
	if err != nil {
		fail("%v", err)
	}
	for _, line := range strings.Split(string(content), "\n") {
		if strings.HasPrefix(line, key) {
			n, err := strconv.ParseInt(strings.Fields(line)[1], 10, 64)
			if err != nil {
				fail("%s: %v", path, err)
			}
			return n * 1024
		}
	}
	return 0
}

// memory is resident pages and the page tables that map them, in bytes.
func memory() int64 {
	return kib("/proc/self/smaps_rollup", "Rss:") + kib("/proc/self/status", "VmPTE:")
}

// measure finds how many times fill a sample of ms milliseconds, then prints samples of them.
func measure(name, unit string, per float64, ms, samples int, body func(times uint64) span) {
	goal := float64(ms) * 1e6
	times := uint64(1)
	for {
		s := body(times)
		factor := goal / float64(s.wall+1)
		if factor < 1.5 {
			times = uint64(float64(times)*factor) + 1
			break
		}
		if factor > 10 {
			factor = 10
		}
		times = uint64(float64(times)*factor) + 1
	}
	for i := 0; i < samples; i++ {
		s := body(times)
		fmt.Printf("%s %.4f %s cpu_over_wall=%.3f\n", name, float64(s.wall)/float64(times)/per, unit,
			float64(s.cpu)/float64(s.wall+1))
	}
}
