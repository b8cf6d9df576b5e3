package main

import (
	"fmt"
	"runtime"
	"sort"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"
)

type verdict string

const (
	linearizable verdict = "linearizable"
	violated     verdict = "violated"
	unknown      verdict = "unknown"
)

type result struct {
	Verdict    verdict `json:"verdict"`
	Operations int     `json:"operations"`
	Registers  int     `json:"registers"`
	// Of a violation: what no order explains. Of an unknown verdict: why there is none.
	Detail string `json:"detail,omitempty"`
}

type limits struct {
	time   time.Duration
	memory uint64 // bytes
}

// register holds one value; a read sees what was written last.
var register = porcupine.Model{
	Init: func() interface{} { return initial },
	Step: func(state, input, output interface{}) (bool, interface{}) {
		op := input.(operation)
		if op.kind == write {
			return true, op.value
		}
		return op.value == state.(int), state
	},
	Hash: func(state interface{}) uint64 { return uint64(state.(int)) * 0x9e3779b97f4a7c15 },
}

type stretch struct {
	register   int
	operations []operation
}

func check(h *history, limit limits) result {
	deadline := time.Now().Add(limit.time)
	answer := result{Verdict: linearizable, Operations: h.operations, Registers: len(h.registers)}
	var work []stretch
	for _, number := range numbersOf(h) {
		for _, part := range stretches(reduced(h.registers[number])) {
			work = append(work, stretch{number, part})
		}
	}
	done := make(chan result, 1)
	stop := make(chan struct{})
	defer close(stop)
	go func() { done <- checkAll(work, h.values, deadline, stop) }()
	watch := time.NewTicker(10 * time.Millisecond)
	defer watch.Stop()
	for {
		var used runtime.MemStats
		runtime.ReadMemStats(&used)
		if used.HeapAlloc > limit.memory {
			answer.Verdict = unknown
			answer.Detail = fmt.Sprintf("the search takes more than %d MiB of memory", limit.memory>>20)
			return answer
		}
		select {
		case seen := <-done:
			answer.Verdict, answer.Detail = seen.Verdict, seen.Detail
			return answer
		case <-watch.C:
		}
	}
}

// checkAll ends at the first violation; without one, a single stretch without a verdict leaves the whole without.
func checkAll(work []stretch, values []string, deadline time.Time, stop <-chan struct{}) result {
	queue := make(chan stretch)
	over := make(chan struct{})
	var once sync.Once
	var lock sync.Mutex
	answer := result{Verdict: linearizable}
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for part := range queue {
				seen := checkOne(part, values, deadline)
				lock.Lock()
				if seen.Verdict == violated || (seen.Verdict == unknown && answer.Verdict == linearizable) {
					answer = seen
				}
				lock.Unlock()
				if seen.Verdict != linearizable {
					once.Do(func() { close(over) })
				}
			}
		})
	}
feed:
	for _, part := range work {
		select {
		case queue <- part:
		case <-over:
			break feed
		case <-stop:
			break feed
		}
	}
	close(queue)
	workers.Wait()
	return answer
}

func checkOne(part stretch, values []string, deadline time.Time) result {
	history := make([]porcupine.Operation, len(part.operations))
	for i, op := range part.operations {
		history[i] = porcupine.Operation{ClientId: op.client, Input: op, Call: op.call, Return: op.returned}
	}
	found := porcupine.Unknown
	// No time left must not become a time without limit, which is what porcupine takes 0 for.
	if left := time.Until(deadline); left > 0 {
		found = porcupine.CheckOperationsTimeout(register, history, left)
	}
	switch found {
	case porcupine.Ok:
		return result{Verdict: linearizable}
	case porcupine.Illegal:
		return result{Verdict: violated, Detail: explain(part, history, values)}
	default:
		return result{
			Verdict: unknown,
			Detail:  fmt.Sprintf("no verdict in time on %d operations on register %d", len(history), part.register),
		}
	}
}

const (
	explainOperations = 2000
	explainTime       = 2 * time.Second
)

// explain names the operation at which the longest order that was found ends.
func explain(part stretch, history []porcupine.Operation, values []string) string {
	where := fmt.Sprintf("register %d: no order explains %d operations from %d on", part.register,
		len(history), part.operations[0].call)
	if len(history) > explainOperations {
		return where
	}
	_, info := porcupine.CheckOperationsVerbose(register, history, explainTime)
	var longest []porcupine.Operation
	for _, order := range info.PartialLinearizationsOperations()[0] {
		if len(order) > len(longest) {
			longest = order
		}
	}
	placed := map[operation]bool{}
	for _, op := range longest {
		placed[op.Input.(operation)] = true
	}
	var first *operation
	for i, op := range part.operations {
		if !placed[op] && (first == nil || op.returned < first.returned) {
			first = &part.operations[i]
		}
	}
	if first == nil {
		return where
	}
	what := "the read of"
	if first.kind == write {
		what = "the write of"
	}
	return fmt.Sprintf("%s; the first that does not fit is %s %q by client %d, from %d to %d", where, what,
		values[first.value], first.client, first.call, first.returned)
}

func numbersOf(h *history) []int {
	numbers := make([]int, 0, len(h.registers))
	for number := range h.registers {
		numbers = append(numbers, number)
	}
	sort.Ints(numbers)
	return numbers
}
