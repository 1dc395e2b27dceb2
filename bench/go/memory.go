// What a goroutine takes in memory, before it has started and while it is parked.
//
//	memory pending|blocked GOROUTINES          bytes a goroutine
package main

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
)

// again starts this program anew, since goroutines that had run once leave their stacks to the next.
func again() {
	const tries = "BENCH_TRIES"
	if len(os.Getenv(tries)) == 20 {
		fail("in 20 tries, goroutines ran before all were started")
	}
	os.Setenv(tries, os.Getenv(tries)+"x")
	fail("%v", syscall.Exec("/proc/self/exe", os.Args, os.Environ()))
}

func main() {
	var started atomic.Uint64
	var gate, all sync.WaitGroup
	n := number(2, 1000)
	blocking := text(1, "pending") == "blocked"
	runtime.GOMAXPROCS(1)
	gate.Add(1)
	all.Add(n)
	memory() // so that what it reads with is in memory already
	before := memory()
	for i := 0; i < n; i++ {
		go func() {
			started.Add(1)
			if blocking {
				gate.Wait()
			}
			all.Done()
		}()
	}
	for blocking && started.Load() < uint64(n) {
		runtime.Gosched()
	}
	after := memory()
	if !blocking && started.Load() > 0 {
		again()
	}
	gate.Done()
	all.Wait()
	check("goroutines that ran", started.Load(), uint64(n))
	fmt.Printf("%s %.1f B\n", text(1, "pending"), float64(after-before)/float64(n))
}
