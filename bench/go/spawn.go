// Starts N goroutines that each add 1 to one atomic, and waits for them: spawn.c of tally.
//
//	spawn N MS SAMPLES          nanoseconds a goroutine
package main

import (
	"sync"
	"sync/atomic"
)

func main() {
	var ran atomic.Uint64
	want := uint64(0)
	n := number(1, 50)
	measure("spawn", "ns", float64(n), number(2, 20), number(3, 3), func(times uint64) span {
		s := start()
		for t := uint64(0); t < times; t++ {
			var wg sync.WaitGroup
			for i := 0; i < n; i++ {
				wg.Add(1)
				go func() {
					ran.Add(1)
					wg.Done()
				}()
			}
			wg.Wait()
		}
		s = s.stop()
		want += times * uint64(n)
		check("goroutines that ran", ran.Load(), want)
		return s
	})
}
