// Skynet with a WaitGroup in each node: skynet.c of tally.
//
//	skynet LEAVES MS SAMPLES          milliseconds for all
package main

import "sync"

type node struct{ first, leaves, sum uint64 }

func (n *node) run() {
	if n.leaves == 1 {
		n.sum = n.first
		return
	}
	var children [10]node
	var wg sync.WaitGroup
	for i := range children {
		child := &children[i]
		child.leaves = n.leaves / 10
		child.first = n.first + uint64(i)*child.leaves
		wg.Add(1)
		go func() {
			child.run()
			wg.Done()
		}()
	}
	wg.Wait()
	for i := range children {
		n.sum += children[i].sum
	}
}

func main() {
	leaves := uint64(number(1, 1000000))
	measure("skynet", "ms", 1e6, number(2, 20), number(3, 3), func(times uint64) span {
		s := start()
		for t := uint64(0); t < times; t++ {
			root := node{leaves: leaves}
			root.run()
			check("sum of the leaves", root.sum, leaves*(leaves-1)/2)
		}
		return s.stop()
	})
}
