// The seed's program, again and again in one process.
//
//	seed MS SAMPLES          microseconds for all 50
package main

import (
	"sync"
	"sync/atomic"
)

const (
	goroutines = 50
	adds       = 1000
)

func main() {
	measure("seed", "us", 1e3, number(1, 20), number(2, 3), func(times uint64) span {
		s := start()
		for t := uint64(0); t < times; t++ {
			var ops atomic.Uint64
			var wg sync.WaitGroup
			for i := 0; i < goroutines; i++ {
				wg.Add(1)
				go func() {
					for c := 0; c < adds; c++ {
						ops.Add(1)
					}
					wg.Done()
				}()
			}
			wg.Wait()
			check("ops", ops.Load(), goroutines*adds)
		}
		return s.stop()
	})
}
