package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

func TestRun(t *testing.T) {
	good := op(0, "write", "0:1", 1, 2)
	cases := []struct {
		name  string
		args  []string
		input string
		code  int
		out   string
		errs  string
	}{
		{"no history", nil, "", 0, `{"verdict":"linearizable","operations":0,"registers":0}`, ""},
		{"linearizable", nil, good + "\n" + op(9, "read", "0:1", 3, 4) + "\n", 0, `{"verdict":"linearizable","operations":2,"registers":1}`, ""},
		{"a violation is a verdict", nil, good + "\n" + op(9, "read", "", 3, 4), 0, `"verdict":"violated"`, ""},
		{"no JSON", nil, good + "\nhello", 2, "", "line 2"},
		{"half a line", nil, good[:40], 2, "", "line 1"},
		{"two objects", nil, good + good, 2, "", "more than one"},
		{"an unknown field", nil, `{"x":1}`, 2, "", "x"},
		{"no value", nil, `{"client":1,"register":0,"kind":"read","call":1,"return":2}`, 2, "", "needed"},
		{"another kind", nil, op(0, "delete", "0:1", 1, 2), 2, "", "neither"},
		{"a write of nothing", nil, op(0, "write", "", 1, 2), 2, "", "needs a value"},
		{"a read without an end", nil, `{"client":1,"register":0,"kind":"read","value":"","call":1}`, 2, "", "leave it out"},
		{"an end before the start", nil, op(0, "write", "0:1", 2, 1), 2, "", "before its call"},
		{"a value twice", nil, good + "\n" + op(1, "write", "0:1", 1, 2), 2, "", "second time"},
		{"no time", []string{"-timeout", "0s"}, good, 2, "", "usage"},
		{"an argument", []string{"x"}, good, 2, "", "usage"},
		{"a flag", []string{"-x"}, good, 2, "", "-x"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var out, errs bytes.Buffer
			code := run(c.args, strings.NewReader(c.input), &out, &errs)
			if code != c.code || !strings.Contains(out.String(), c.out) || !strings.Contains(errs.String(), c.errs) {
				t.Fatalf("code %d, %s, %s", code, &out, &errs)
			}
			if code == 0 && !json.Valid(out.Bytes()) {
				t.Fatal(out.String())
			}
			if code != 0 && out.Len() > 0 {
				t.Fatalf("a verdict on bad input: %s", &out)
			}
		})
	}
}
