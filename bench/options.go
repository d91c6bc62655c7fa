package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// options holds the command's flags.
type options struct {
	Quick  bool          // a smoke test: small and short, without verdicts
	Runs   int           // per participant
	Only   []string      // ids of rows; all if empty
	Out    string        // file to write JSON to; none if empty
	BullMQ string        // folder of the program that drives BullMQ
	Limit  time.Duration // of the whole command
}

func parseOptions(args []string, stderr io.Writer) (options, error) {
	o := options{}
	var only string
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.BoolVar(&o.Quick, "quick", false, "a smoke test: short runs on few jobs; its figures say nothing about the goals")
	fs.IntVar(&o.Runs, "runs", 5, "runs per participant, at least 5 (with -quick: 2)")
	fs.StringVar(&only, "only", "", "measure these rows only, comma-separated: "+strings.Join(rowIDs(), ", "))
	fs.StringVar(&o.Out, "out", "", "write all samples to this `file` as JSON")
	fs.StringVar(&o.BullMQ, "bullmq", "bullmq", "the `folder` with the program that drives BullMQ")
	fs.DurationVar(&o.Limit, "limit", 20*time.Minute, "give up after this time")
	fs.Usage = func() {
		fmt.Fprintln(stderr, "Usage: go -C bench run . [flags]\n\nMeasures the queue and the compiler against their goals and their peers, on a redis-server of its own.")
		fs.PrintDefaults()
	}
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	given := map[string]bool{}
	fs.Visit(func(f *flag.Flag) { given[f.Name] = true })
	if o.Quick && !given["runs"] {
		o.Runs = 2
	}
	if only != "" {
		o.Only = strings.Split(only, ",")
	}
	return o, o.validate(fs.Args())
}

func (o *options) validate(rest []string) error {
	if len(rest) > 0 {
		return fmt.Errorf("unexpected argument %q: flags only, see -help", rest[0])
	}
	if o.Runs < 1 || o.Runs > 101 || o.Runs < 5 && !o.Quick {
		return fmt.Errorf("-runs %d: write 5 to 101; fewer make no median (with -quick, 1 is enough)", o.Runs)
	}
	if o.Limit <= 0 {
		return errors.New("-limit must be positive")
	}
	for _, id := range o.Only {
		if !slices.Contains(rowIDs(), id) {
			return fmt.Errorf("-only %q: no such row; the rows are %s", id, strings.Join(rowIDs(), ", "))
		}
	}
	return nil
}

// wants reports whether at least one of the rows is requested.
func (o *options) wants(ids ...string) bool {
	return len(o.Only) == 0 || slices.ContainsFunc(ids, func(id string) bool { return slices.Contains(o.Only, id) })
}
