package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// outcomes holds a suite's results by row id.
type outcomes map[string]outcome

// outcome is one row's result: samples, or the reason why there are none.
type outcome struct {
	Samples series            `json:"samples,omitempty"`
	Missing string            `json:"not_measured,omitempty"`
	Failed  string            `json:"failed,omitempty"`
	Note    string            `json:"note,omitempty"`   // the figures behind a ratio, for the table
	Detail  map[string]series `json:"detail,omitempty"` // every participant's samples, by name with unit
}

// env is a suite's environment.
type env struct {
	options
	redis    *server
	progress func(format string, args ...any)
}

// interleave lets the participants take turns: each once per run, in rotating order.
func (e *env) interleave(ctx context.Context, what string, names []string, one func(ctx context.Context, name string) error) error {
	for i := range e.Runs {
		for j := range names {
			name := names[(i+j)%len(names)]
			e.progress("%s: run %d of %d: %s", what, i+1, e.Runs, name)
			if err := one(ctx, name); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			if err := ctx.Err(); err != nil {
				return err
			}
		}
	}
	return nil
}

// pick returns full or, in a smoke test, quick.
func pick[T any](e *env, full, quick T) T {
	if e.Quick {
		return quick
	}
	return full
}

// run makes the requested measurements and prints the table. A failed measurement doesn't stop the others, but results
// in an error at the end. A missed goal is not an error.
func run(ctx context.Context, o options, stdout, stderr io.Writer) error {
	ctx, cancel := context.WithTimeoutCause(ctx, o.Limit, fmt.Errorf("not finished within -limit %s", o.Limit))
	defer cancel()
	dir, err := os.MkdirTemp("", "machinectl-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	redis, err := startRedis(ctx, filepath.Clean(dir))
	if err != nil {
		return err
	}
	defer redis.stop()

	began := time.Now()
	e := &env{options: o, redis: redis, progress: func(format string, args ...any) {
		fmt.Fprintf(stderr, "%6.1fs  %s\n", time.Since(began).Seconds(), fmt.Sprintf(format, args...))
	}}
	r := report{About: describe(ctx, e)}
	var failed []error
	for _, s := range suites() {
		if !o.wants(s.ids()...) {
			continue
		}
		results, err := s.run(ctx, e)
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", s.name, err))
		}
		for _, row := range s.rows {
			if o.wants(row.ID) {
				r.Rows = append(r.Rows, newResult(row, results[row.ID], o))
			}
		}
		if ctx.Err() != nil {
			break
		}
	}
	r.About.Seconds = time.Since(began).Seconds()
	r.print(stdout)
	if o.Out != "" {
		failed = append(failed, r.write(o.Out))
	}
	if ctx.Err() != nil {
		failed = append(failed, context.Cause(ctx))
	}
	return errors.Join(failed...)
}

// run starts with an empty Redis. If it fails, the incomplete rows carry the error.
func (s suite) run(ctx context.Context, e *env) (outcomes, error) {
	if err := e.redis.flush(ctx); err != nil {
		return nil, err
	}
	results, err := s.measure(ctx, e)
	if results == nil {
		results = outcomes{}
	}
	for _, id := range s.ids() {
		if o := results[id]; err != nil && len(o.Samples) < e.Runs && o.Missing == "" {
			results[id] = outcome{Failed: err.Error()}
		}
	}
	return results, err
}
