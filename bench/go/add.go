// Go's atomic.Uint64 as a counter: bench/common/add.h with goroutines for threads.
//
//	add add GOROUTINES COUNTERS MS SAMPLES
//	add read SLOTS COUNTERS MS SAMPLES          SLOTS means nothing here
package main

import (
	"sync"
	"sync/atomic"
)

const most = 10000

var (
	counters [most]atomic.Uint64
	n        int
	total    uint64
)

func addTimes(times, seed uint64) {
	if n == 1 {
		c := &counters[0]
		for i := uint64(0); i < times; i++ {
			c.Add(1)
		}
		return
	}
	x := seed*2 + 1
	size := uint64(n)
	for i := uint64(0); i < times; i++ {
		x *= 0xd1342543de82ef95
		counters[x>>32*size>>32].Add(1)
	}
}

func checkTotal() {
	sum := uint64(0)
	for i := 0; i < n; i++ {
		sum += counters[i].Load()
	}
	check("sum of the counters", sum, total)
}

func addBody(goroutines int) func(times uint64) span {
	return func(times uint64) span {
		var wg sync.WaitGroup
		begin := make(chan struct{})
		if goroutines == 1 {
			s := start()
			addTimes(times, 1)
			s = s.stop()
			total += times
			checkTotal()
			return s
		}
		wg.Add(goroutines)
		for i := 0; i < goroutines; i++ {
			go func(seed uint64) {
				defer wg.Done()
				<-begin
				addTimes(times, seed)
			}(uint64(i + 1))
		}
		s := start()
		close(begin)
		wg.Wait()
		s = s.stop()
		total += times * uint64(goroutines)
		checkTotal()
		return s
	}
}

func readBody(times uint64) span {
	sum := uint64(0)
	s := start()
	for i := uint64(0); i < times; i++ {
		for j := 0; j < n; j++ {
			sum += counters[j].Load()
		}
	}
	s = s.stop()
	check("sum of what was read", sum, times*total)
	return s
}

func main() {
	goroutines := number(2, 1)
	n = number(3, 1)
	if n < 1 || n > most || goroutines < 1 {
		fail("1 to %d counters", most)
	}
	ms, samples := number(4, 20), number(5, 3)
	if text(1, "add") == "add" {
		measure("add", "ns", float64(goroutines), ms, samples, addBody(goroutines))
		return
	}
	for i := 0; i < n; i++ {
		counters[i].Add(uint64(goroutines))
	}
	total = uint64(n * goroutines)
	if n == 1 {
		measure("read", "ns", 1, ms, samples, readBody)
	} else {
		measure("read", "us", 1000, ms, samples, readBody)
	}
}
