package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
)

type kind bool

const (
	read  kind = false
	write kind = true
)

// openEnded is the return of a write of which nobody knows whether and when it took effect.
const openEnded = math.MaxInt64

// initial is the value of a register before its first write.
const initial = 0

type operation struct {
	client         int
	kind           kind
	value          int // what was written, or seen: an index of history.values
	call, returned int64
}

// history holds the operations by register. Registers are checked one by one: a history is linearizable if and only
// if that of every single object is (Herlihy and Wing 1990, locality).
type history struct {
	operations int
	registers  map[int][]operation
	values     []string
}

type line struct {
	Client   *int    `json:"client"`
	Register *int    `json:"register"`
	Kind     string  `json:"kind"`
	Value    *string `json:"value"`
	Call     *int64  `json:"call"`
	Return   *int64  `json:"return"`
}

const longestLine = 64 * 1024

func readHistory(in io.Reader) (*history, error) {
	h := &history{registers: map[int][]operation{}, values: []string{""}}
	known := map[string]int{"": initial}
	written := map[int]bool{}
	scanner := bufio.NewScanner(in)
	scanner.Buffer(make([]byte, longestLine), longestLine)
	number := 0
	for scanner.Scan() {
		number++
		if len(bytes.TrimSpace(scanner.Bytes())) == 0 {
			continue
		}
		parsed, err := parse(scanner.Bytes())
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		value, ok := known[*parsed.Value]
		if !ok {
			value = len(h.values)
			known[*parsed.Value] = value
			h.values = append(h.values, *parsed.Value)
		}
		op := operation{client: *parsed.Client, value: value, call: *parsed.Call, returned: openEnded}
		if parsed.Return != nil {
			op.returned = *parsed.Return
		}
		if parsed.Kind == "write" {
			// What is left out and where a history is cut rests on this.
			if written[value] {
				return nil, fmt.Errorf("line %d: the value %q is written for the second time", number, *parsed.Value)
			}
			written[value] = true
			op.kind = write
		}
		h.registers[*parsed.Register] = append(h.registers[*parsed.Register], op)
		h.operations++
	}
	if err := scanner.Err(); err != nil {
		return nil, fmt.Errorf("after line %d: %w", number, err)
	}
	return h, nil
}

func parse(text []byte) (*line, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	var l line
	if err := decoder.Decode(&l); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, fmt.Errorf("more than one object")
	}
	switch {
	case l.Client == nil || l.Register == nil || l.Value == nil || l.Call == nil:
		return nil, fmt.Errorf("client, register, value and call are needed")
	case l.Kind != "read" && l.Kind != "write":
		return nil, fmt.Errorf("the kind %q is neither read nor write", l.Kind)
	case l.Kind == "write" && *l.Value == "":
		return nil, fmt.Errorf("a write needs a value")
	case l.Kind == "read" && l.Return == nil:
		return nil, fmt.Errorf("a read that never returned has seen nothing: leave it out")
	case l.Return != nil && *l.Return < *l.Call:
		return nil, fmt.Errorf("it returned at %d, before its call at %d", *l.Return, *l.Call)
	}
	return &l, nil
}
