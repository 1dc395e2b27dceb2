// Two goroutines that do nothing but runtime.Gosched to each other; GOMAXPROCS is 1.
//
//	yield GOROUTINES MS SAMPLES          nanoseconds a yield
package main

import (
	"runtime"
	"sync"
	"sync/atomic"
)

func main() {
	n := number(1, 2)
	runtime.GOMAXPROCS(1)
	measure("yield", "ns", float64(n), number(2, 20), number(3, 3), func(times uint64) span {
		var yields atomic.Uint64
		var wg sync.WaitGroup
		s := start()
		for i := 0; i < n; i++ {
			wg.Add(1)
			go func() {
				for i := uint64(0); i < times; i++ {
					runtime.Gosched()
				}
				yields.Add(times)
				wg.Done()
			}()
		}
		wg.Wait()
		s = s.stop()
		check("yields", yields.Load(), times*uint64(n))
		return s
	})
}
