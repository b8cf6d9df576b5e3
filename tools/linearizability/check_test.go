package main

import (
	"fmt"
	"math/rand"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

var ample = limits{time.Minute, 2 << 30}

func verdictOf(t *testing.T, lines ...string) result {
	t.Helper()
	h, err := readHistory(strings.NewReader(strings.Join(lines, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	return check(h, ample)
}

func op(client int, kind, value string, call, returned int) string {
	return onRegister(0, client, kind, value, call, returned)
}

func onRegister(register, client int, kind, value string, call, returned int) string {
	return fmt.Sprintf(`{"client":%d,"register":%d,"kind":%q,"value":%q,"call":%d,"return":%d}`,
		client, register, kind, value, call, returned)
}

func open(client int, value string, call int) string {
	return fmt.Sprintf(`{"client":%d,"register":0,"kind":"write","value":%q,"call":%d}`, client, value, call)
}

func TestVerdicts(t *testing.T) {
	cases := []struct {
		name    string
		lines   []string
		verdict verdict
	}{
		{"nothing", nil, linearizable},
		{"a write, then reads of it", []string{
			op(9, "read", "", 1, 2), op(0, "write", "0:1", 3, 5), op(9, "read", "0:1", 6, 7), op(9, "read", "0:1", 8, 9),
		}, linearizable},
		{"during a write either value may be seen, and then the new one only", []string{
			op(0, "write", "0:1", 1, 2), op(1, "write", "1:1", 10, 30),
			op(9, "read", "0:1", 11, 13), op(9, "read", "1:1", 14, 16), op(9, "read", "1:1", 17, 18),
		}, linearizable},
		{"and back to the old one", []string{
			op(0, "write", "0:1", 1, 2), op(1, "write", "1:1", 10, 30),
			op(9, "read", "1:1", 11, 13), op(9, "read", "0:1", 14, 16),
		}, violated},
		{"equal times are concurrent", []string{
			op(0, "write", "0:1", 1, 2), op(1, "write", "1:1", 2, 3), op(9, "read", "0:1", 3, 4),
		}, linearizable},
		{"a stale read", []string{
			op(0, "write", "0:1", 1, 2), op(1, "write", "1:1", 3, 4), op(9, "read", "0:1", 5, 6),
		}, violated},
		{"a lost write: the register is as before it", []string{
			op(0, "write", "0:1", 1, 2), op(9, "read", "", 3, 4),
		}, violated},
		{"a lost write that a later one covers cannot be seen", []string{
			op(0, "write", "0:1", 1, 2), op(0, "write", "0:2", 3, 4), op(9, "read", "0:2", 5, 6),
		}, linearizable},
		{"a write that was seen and is gone", []string{
			op(0, "write", "0:1", 1, 2), op(1, "write", "1:1", 3, 9), op(9, "read", "1:1", 4, 5), op(9, "read", "0:1", 6, 7),
		}, violated},
		{"a value that nobody wrote", []string{op(0, "write", "0:1", 1, 2), op(9, "read", "7:7", 3, 4)}, violated},
		{"a value that was read before it was sent", []string{op(9, "read", "0:1", 1, 2), op(0, "write", "0:1", 3, 4)}, violated},
		{"an open-ended write that is not seen", []string{
			op(0, "write", "0:1", 1, 2), open(1, "1:1", 3), op(9, "read", "0:1", 5, 6),
		}, linearizable},
		{"an open-ended write that is seen, late", []string{
			op(0, "write", "0:1", 1, 2), open(1, "1:1", 3), op(9, "read", "0:1", 5, 6), op(9, "read", "1:1", 7, 8),
		}, linearizable},
		{"an open-ended write that is seen and is gone", []string{
			op(0, "write", "0:1", 1, 2), open(1, "1:1", 3), op(9, "read", "1:1", 5, 6), op(9, "read", "0:1", 7, 8),
		}, violated},
		{"an open-ended write that is seen before it was sent", []string{
			op(0, "write", "0:1", 1, 2), op(9, "read", "1:1", 5, 6), open(1, "1:1", 10),
		}, violated},
		{"a value of another register", []string{
			onRegister(0, 0, "write", "0:1", 1, 2), onRegister(1, 9, "read", "0:1", 3, 4),
		}, violated},
		{"each register by itself", []string{
			onRegister(0, 0, "write", "0:1", 1, 2), onRegister(1, 1, "write", "1:1", 3, 4),
			onRegister(0, 9, "read", "0:1", 5, 6), onRegister(1, 9, "read", "1:1", 7, 8),
		}, linearizable},
		{"one bad register among good ones", []string{
			onRegister(0, 0, "write", "0:1", 1, 2), onRegister(1, 1, "write", "1:1", 3, 4),
			onRegister(0, 9, "read", "0:1", 5, 6), onRegister(1, 9, "read", "", 7, 8),
		}, violated},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			answer := verdictOf(t, c.lines...)
			if answer.Verdict != c.verdict || answer.Operations != len(c.lines) {
				t.Fatalf("%+v, needed %s of %d operations", answer, c.verdict, len(c.lines))
			}
		})
	}
}

func TestViolationNamesTheOperation(t *testing.T) {
	answer := verdictOf(t,
		op(0, "write", "0:1", 1, 2), op(1, "write", "1:1", 3, 4), op(9, "read", "0:1", 5, 6), op(9, "read", "1:1", 7, 8))
	if !strings.Contains(answer.Detail, `the read of "0:1" by client 9, from 5 to 6`) {
		t.Fatal(answer.Detail)
	}
}

// Leaving out open ends and cutting must not change a verdict: small histories of every kind, checked as they are.
func TestReductionsKeepTheVerdict(t *testing.T) {
	seen := map[verdict]int{}
	cut := 0
	for seed := range int64(30_000) {
		random := rand.New(rand.NewSource(seed))
		operations := anyHistory(random)
		raw := make([]porcupine.Operation, len(operations))
		for i, op := range operations {
			raw[i] = porcupine.Operation{Input: op, Call: op.call, Return: op.returned}
		}
		needed := linearizable
		if !porcupine.CheckOperations(register, raw) {
			needed = violated
		}
		h := &history{len(operations), map[int][]operation{0: operations}, make([]string, 100)}
		if answer := check(h, ample); answer.Verdict != needed {
			t.Fatalf("seed %d: %+v, needed %s: %+v", seed, answer, needed, operations)
		}
		seen[needed]++
		cut += len(stretches(reduced(operations))) - 1
	}
	if seen[linearizable] < 3000 || seen[violated] < 3000 || cut < 3000 {
		t.Fatalf("the histories are too much alike: %v, %d cuts", seen, cut)
	}
}

func anyHistory(random *rand.Rand) []operation {
	writes, reads := 1+random.Intn(6), random.Intn(8)
	spread := 5 + random.Intn(60)
	var operations []operation
	for i := range writes + reads {
		call := int64(random.Intn(spread))
		one := operation{client: i, kind: read, call: call, returned: call + int64(random.Intn(8))}
		if i < writes {
			one.kind, one.value = write, i+1
			if random.Intn(4) == 0 {
				one.returned = openEnded
			}
		} else {
			one.value = random.Intn(writes + 1)
		}
		operations = append(operations, one)
	}
	random.Shuffle(len(operations), func(i, j int) {
		operations[i], operations[j] = operations[j], operations[i]
	})
	return operations
}

// Eight writers without a pause and one reader: hardly a moment at which nothing is under way. One write in twenty is
// never answered.
func TestFiftyThousandOperations(t *testing.T) {
	for _, registers := range []int{3, 1} {
		for _, stale := range []bool{false, true} {
			h := busyHistory(50_000, registers, 1, stale)
			begun := time.Now()
			answer := check(h, ample)
			took := time.Since(begun)
			var used runtime.MemStats
			runtime.ReadMemStats(&used)
			t.Logf("stale=%v: %v after %v, %d MiB", stale, answer, took, used.Sys>>20)
			needed := linearizable
			if stale {
				needed = violated
			}
			if answer.Verdict != needed || answer.Operations != 50_000 || answer.Registers != registers {
				t.Fatalf("%+v, needed %s", answer, needed)
			}
			if took > 30*time.Second {
				t.Fatalf("it took %v", took)
			}
		}
	}
}

// busyHistory is what clients of a store see that takes each operation at one moment within its time. With stale, one
// read near the end sees what was written twenty writes before.
func busyHistory(size, registers, readers int, stale bool) *history {
	const writers = 8
	random := rand.New(rand.NewSource(7))
	type pending struct {
		operation
		register int
		at       int64
	}
	h := &history{size, map[int][]operation{}, make([]string, size+1)}
	clients := make([]pending, writers+readers)
	begin := func(client int, now int64, register int) {
		at := now + 1 + random.Int63n(1000)
		returned := at + 1 + random.Int63n(1000)
		clients[client] = pending{operation{client: client, call: now, returned: returned}, register, at}
	}
	for client := range clients {
		begin(client, random.Int63n(500), client%registers)
	}
	values := make([][]int, registers)
	for number := 1; number <= size; number++ {
		next := 0
		for client := range clients {
			if clients[client].at < clients[next].at {
				next = client
			}
		}
		one := clients[next]
		written := values[one.register]
		returned := one.returned
		switch {
		case next < writers:
			one.kind, one.value = write, number
			values[one.register] = append(written, number)
			if random.Intn(20) == 0 {
				one.returned = openEnded
			}
		case stale && number > size-200:
			one.value = written[len(written)-20]
			stale = false
		case len(written) > 0:
			one.value = written[len(written)-1]
		}
		h.registers[one.register] = append(h.registers[one.register], one.operation)
		if next < writers {
			begin(next, returned+1, one.register)
		} else {
			begin(next, returned+1, number%registers)
		}
	}
	return h
}

func TestNoTimeMeansNoVerdict(t *testing.T) {
	answer := check(busyHistory(50_000, 1, 1, false), limits{time.Nanosecond, 2 << 30})
	if answer.Verdict != unknown || !strings.Contains(answer.Detail, "in time") {
		t.Fatalf("%+v", answer)
	}
}

func TestNoMemoryMeansNoVerdict(t *testing.T) {
	answer := check(busyHistory(50_000, 1, 8, false), limits{time.Minute, 1 << 20})
	if answer.Verdict != unknown || !strings.Contains(answer.Detail, "memory") {
		t.Fatalf("%+v", answer)
	}
}
