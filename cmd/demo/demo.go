package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/emprops/machinectl/queue"
)

type options struct {
	bin      string
	examples string
	embedded bool
	timeout  time.Duration
}

// demo is one run: what it drives and what it has counted.
type demo struct {
	options
	out   *printer
	dir   string // scratch, removed at the end
	stack *stack
	api   *client

	ids    []string        // of all submitted jobs
	killed map[string]bool // jobs that ran in the agent we killed
	sizes  *sizes
}

// run is the story. Whatever happens, the stack is stopped; the last line is printed only when everything held.
func run(parent context.Context, opts options) (err error) {
	ctx, cancel := context.WithTimeoutCause(parent, opts.timeout, fmt.Errorf("not done after %s", opts.timeout))
	defer cancel()
	opts.bin, err = filepath.Abs(opts.bin)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "mctl-")
	if err != nil {
		return err
	}
	d := &demo{options: opts, out: newPrinter(os.Stdout), dir: dir, killed: map[string]bool{}}
	summary, err := d.play(ctx)
	if ctx.Err() != nil && !errors.Is(err, context.Cause(ctx)) {
		err = errors.Join(context.Cause(ctx), err)
	}
	if d.stack != nil {
		d.out.Stepf("Stopping everything this demo started")
		err = errors.Join(err, d.stack.stop(), leftovers(dir))
	}
	err = errors.Join(err, os.RemoveAll(dir))
	if err != nil {
		return err
	}
	d.out.Notef("no process is left\n")
	fmt.Println("\n" + summary)
	return nil
}

func (d *demo) play(ctx context.Context) (string, error) {
	for _, scene := range []func(context.Context) error{
		d.startStack, d.planAndApply, d.submitMixed, d.killAgent, d.grow, d.finish, d.shrink, d.showResult,
	} {
		if err := scene(ctx); err != nil {
			return "", err
		}
	}
	return d.verdict(ctx)
}

func (d *demo) startStack(ctx context.Context) error {
	d.out.Stepf("Starting the local stack (machinectl dev)")
	s, err := startStack(ctx, d.bin, d.dir, d.embedded)
	if err != nil {
		return err
	}
	d.stack, d.api = s, newClient(s.Dispatcher)
	for _, part := range s.Parts {
		d.out.Notef("%s", part)
	}
	return nil
}

func (d *demo) planAndApply(ctx context.Context) error {
	profile := filepath.Join(d.examples, "profiles.hcl")
	vars := []string{
		"-var-file", filepath.Join(d.examples, "demo.vars.hcl"),
		"-var", "agent_binary=" + filepath.Join(d.bin, "machine-agent"),
		"-var", "redis_url=" + d.stack.Redis,
		"-var", "blob_url=file://" + filepath.Join(d.dir, "stack", "blobs"),
	}
	d.out.Stepf("machinectl plan %s", profile)
	out, err := d.stack.ctl(ctx, d.bin, nil, append(append([]string{"plan"}, vars...), profile)...)
	if err != nil {
		return err
	}
	d.out.Notef("%s", out)
	d.out.Stepf("machinectl apply")
	out, err = d.stack.ctl(ctx, d.bin, nil, append(append([]string{"apply", "-auto-approve"}, vars...), profile)...)
	if err != nil {
		return err
	}
	d.out.Notef("%s", out)
	d.sizes = watchSizes(d.api)
	return d.until(ctx, "the first machines to be ready", func(ctx context.Context) (bool, string, error) {
		machines, err := d.api.machines(ctx)
		ready := 0
		for _, m := range machines {
			if m.State == queue.MachineReady {
				ready++
			}
		}
		return ready >= 2, fmt.Sprintf("%d of %d machines ready", ready, len(machines)), err
	})
}

func (d *demo) submitMixed(ctx context.Context) error {
	d.out.Stepf("Submitting a mixed batch over HTTP (POST /v1/jobs)")
	for _, name := range []string{"comfyui", "simulation", "simulation", "comfyui", "simulation"} {
		if err := d.submit(ctx, name); err != nil {
			return err
		}
	}
	d.out.Notef("%d jobs: comfyui workflows for machines with a GPU, simulation jobs for the fast lane", len(d.ids))
	return nil
}

// submit sends the example job of this name with a colour of its own: ComfyUI does not compute the same workflow twice.
func (d *demo) submit(ctx context.Context, name string) error {
	b, err := os.ReadFile(filepath.Join(d.examples, "jobs", name+".json"))
	if err != nil {
		return err
	}
	var s queue.Submission
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if s.Parameters, err = recolour(s.Parameters, len(d.ids)); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	id, err := d.api.submit(ctx, s)
	if err != nil {
		return err
	}
	d.ids = append(d.ids, id)
	return nil
}

// recolour gives a workflow's EmptyImage a colour of its own. Other parameters stay as they are.
func recolour(parameters json.RawMessage, n int) (json.RawMessage, error) {
	var p map[string]any
	if err := json.Unmarshal(parameters, &p); err != nil {
		return nil, err
	}
	workflow, _ := p["workflow"].(map[string]any)
	for _, node := range workflow {
		node, _ := node.(map[string]any)
		if inputs, ok := node["inputs"].(map[string]any); ok && node["class_type"] == "EmptyImage" {
			inputs["color"] = (n*0x3b1f97 + 0x336699) & 0xffffff
		}
	}
	return json.Marshal(p)
}

// grow lets the queue become longer than the pool's target wait allows, and sees the pool resized.
func (d *demo) grow(ctx context.Context) error {
	d.out.Stepf("Letting the queue grow: 14 more GPU jobs")
	for range 14 {
		if err := d.submit(ctx, "comfyui"); err != nil {
			return err
		}
	}
	before := d.sizes.String()
	if err := d.until(ctx, "a pool to be resized up", func(context.Context) (bool, string, error) {
		return d.sizes.up > 0, d.sizes.String(), nil
	}); err != nil {
		return err
	}
	d.out.Notef("pools: %s → %s", before, d.sizes)
	return nil
}

func (d *demo) finish(ctx context.Context) error {
	d.out.Stepf("Waiting for all %d jobs", len(d.ids))
	return d.until(ctx, "all jobs to end", func(ctx context.Context) (bool, string, error) {
		states, err := d.states(ctx)
		if err != nil {
			return false, "", err
		}
		ended := 0
		for s, n := range states {
			if s.Final() {
				ended += n
			}
		}
		return ended == len(d.ids), fmt.Sprintf("%s   pools: %s", progressBar(states), d.sizes), nil
	})
}

func (d *demo) shrink(ctx context.Context) error {
	d.out.Stepf("The queue is empty: pools are drained and resized down")
	peak := d.sizes.String()
	if err := d.until(ctx, "a pool to be resized down", func(context.Context) (bool, string, error) {
		return d.sizes.down > 0 && d.sizes.atMinimum(), d.sizes.String(), nil
	}); err != nil {
		return err
	}
	d.out.Notef("pools: %s → %s", peak, d.sizes)
	return nil
}

func (d *demo) states(ctx context.Context) (map[queue.State]int, error) {
	states := map[queue.State]int{}
	for _, id := range d.ids {
		j, err := d.api.job(ctx, id)
		if err != nil {
			return nil, err
		}
		states[j.State]++
	}
	return states, nil
}

// until polls a condition, showing how it stands, until it holds or the demo's time is over. An error of the condition ends it.
func (d *demo) until(ctx context.Context, what string, cond func(context.Context) (bool, string, error)) error {
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, status, err := cond(ctx)
		if err == nil && d.sizes != nil {
			_, err = d.sizes.poll(ctx) // so that no resize is missed in the counts
		}
		if err != nil {
			return fmt.Errorf("waiting for %s: %w", what, err)
		}
		d.out.Livef("%s", status)
		if ok {
			d.out.Notef("%s", status)
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s (%s): %w", what, status, context.Cause(ctx))
		case <-tick.C:
		}
	}
}

func progressBar(states map[queue.State]int) string {
	var parts []string
	total, done := 0, 0
	for _, s := range []queue.State{queue.Waiting, queue.Delayed, queue.Running, queue.Completed, queue.Failed, queue.Dead, queue.Cancelled} {
		n := states[s]
		total += n
		if s.Final() {
			done += n
		}
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, s))
		}
	}
	const width = 24
	filled := width * done / max(total, 1)
	return strings.Repeat("█", filled) + strings.Repeat("░", width-filled) + " " + strings.Join(slices.Clip(parts), ", ")
}
