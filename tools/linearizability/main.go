// Command linearizability reads the history of a few registers from its standard input and says whether it is
// linearizable: whether some order of all operations, each between its call and its return, explains every read.
//
// A line is one operation, as JSON:
//
//	{"client":3,"register":0,"kind":"write","value":"3:17","call":100,"return":180}
//	{"client":8,"register":0,"kind":"read","value":"3:17","call":190,"return":200}
//
// Times are whole numbers of one unit and one clock. A write without "return" is open-ended: it may have taken
// effect at any time since its call, or never. The value "" is that of a register that was never written. No value
// is written twice.
//
// It prints one JSON object, {"verdict":"linearizable"|"violated"|"unknown","operations":n,"registers":n,"detail":…},
// and exits with 0 for every verdict, 2 for input that is no such history.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"time"
)

const badInput = 2

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

func run(args []string, in io.Reader, out, errors io.Writer) int {
	flags := flag.NewFlagSet("linearizability", flag.ContinueOnError)
	flags.SetOutput(errors)
	timeout := flags.Duration("timeout", time.Minute, "after this time the verdict is unknown")
	memory := flags.Uint64("memory", 1024, "above so many MiB of memory the verdict is unknown")
	if err := flags.Parse(args); err != nil {
		return badInput
	}
	if *timeout <= 0 || flags.NArg() > 0 {
		fmt.Fprintln(errors, "usage: linearizability [-timeout 60s] [-memory 1024] <history")
		return badInput
	}
	history, err := readHistory(in)
	if err != nil {
		fmt.Fprintln(errors, err)
		return badInput
	}
	if err := json.NewEncoder(out).Encode(check(history, limits{*timeout, *memory << 20})); err != nil {
		fmt.Fprintln(errors, err)
		return 1
	}
	return 0
}
