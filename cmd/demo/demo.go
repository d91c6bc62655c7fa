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

	"github.com/emprops/machinectl/client"
	"github.com/emprops/machinectl/devcluster/child"
	"github.com/emprops/machinectl/hcl/timetext"
)

type options struct {
	bin      string
	examples string
	embedded bool
	timeout  time.Duration
}

// cleanUpLimit is how long whatever is left may take to go after it was killed.
const cleanUpLimit = 15 * time.Second

// demo is one run: what it drives and what it has counted.
type demo struct {
	options
	out    *printer
	dir    string        // scratch, removed at the end
	keeper *child.Keeper // of every process that the demo starts
	stack  *stack
	api    *client.Client

	ids    []string        // of all submitted jobs
	killed map[string]bool // jobs that ran in the agent we killed
	sizes  *sizes
}

// run runs the demo. It always stops the stack and removes its folder, and prints the last line only if
// everything went as promised.
func run(parent context.Context, opts options) (err error) {
	ctx, cancel := context.WithTimeoutCause(parent, opts.timeout, fmt.Errorf("not done after %s", timetext.Duration(opts.timeout)))
	defer cancel()
	if opts.bin, err = filepath.Abs(opts.bin); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(opts.bin, "machinectl")); err != nil {
		return fmt.Errorf("there are no programs in %s: run make build (%w)", opts.bin, err)
	}
	dir, err := os.MkdirTemp("", "mctl-")
	if err != nil {
		return fmt.Errorf("no folder to work in; TMPDIR can name another place: %w", err)
	}
	keeper, err := child.New(dir, true)
	if err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	d := &demo{options: opts, out: newPrinter(os.Stdout), dir: dir, keeper: keeper, killed: map[string]bool{}}
	summary, err := d.play(ctx)
	err = because(ctx, err)
	if err = errors.Join(err, d.cleanUp(ctx)); err != nil {
		return err
	}
	d.out.Notef("no process and no folder is left")
	fmt.Println("\n" + summary)
	return nil
}

// because returns why a run ended. If it was interrupted, the errors that followed are left out.
func because(ctx context.Context, err error) error {
	cause := context.Cause(ctx)
	switch {
	case err == nil || cause == nil || errors.Is(cause, context.Canceled):
		return err
	case errors.Is(cause, errInterrupted):
		return cause
	case errors.Is(err, cause):
		return err
	default:
		return fmt.Errorf("%w: %w", cause, err)
	}
}

// cleanUp stops the stack, and checks that nothing of it is left.
func (d *demo) cleanUp(ctx context.Context) error {
	var errs []error
	if d.stack != nil {
		d.out.Stepf("Stop everything that this demo has started")
		errs = append(errs, d.stack.stop())
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpLimit)
	defer cancel()
	errs = append(errs, d.keeper.Close(ctx), leftovers(ctx, d.dir), child.UnmountBelow(d.dir), os.RemoveAll(d.dir))
	return errors.Join(errs...)
}

func (d *demo) play(ctx context.Context) (string, error) {
	for _, scene := range []func(context.Context) error{
		d.startStack, d.plan, d.apply, d.submitMixed, d.killAgent, d.grow, d.shrink, d.showResult,
	} {
		if err := scene(ctx); err != nil {
			return "", err
		}
	}
	return d.verdict(ctx)
}

func (d *demo) startStack(ctx context.Context) error {
	d.out.Stepf("Start Nomad, Redis and a dispatcher on this machine")
	d.out.Commandf("machinectl dev")
	s, err := startStack(ctx, d.keeper, d.bin, d.dir, d.embedded)
	if err != nil {
		return err
	}
	d.stack = s
	if d.api, err = client.New(s.Dispatcher, client.Options{Token: s.Token}); err != nil {
		return err
	}
	for _, part := range s.Parts {
		d.out.Notef("%s", part)
	}
	return nil
}

// profile returns a command's arguments for the example, with the values of this run.
func (d *demo) profile(command ...string) []string {
	return append(command,
		"-var-file", filepath.Join(d.examples, "demo.vars.hcl"),
		"-var", "agent_binary="+filepath.Join(d.bin, "machine-agent"),
		"-var", "sim_binary="+filepath.Join(d.bin, "machine-sim"),
		"-var", "redis_url="+d.stack.Redis,
		"-var", "blob_url=file://"+filepath.Join(d.dir, "stack", "blobs"),
		filepath.Join(d.examples, "profiles.hcl"))
}

func (d *demo) plan(ctx context.Context) error {
	d.out.Stepf("See what applying the example would change")
	d.out.Commandf("machinectl plan %s", filepath.Join(d.examples, "profiles.hcl"))
	out, err := d.stack.ctl(ctx, d.bin, d.profile("plan")...)
	if err != nil {
		return err
	}
	d.out.Notef("%s", out)
	return nil
}

// apply follows the machines itself: the command's own output would repeat the plan.
func (d *demo) apply(ctx context.Context) error {
	d.out.Stepf("Apply it")
	d.out.Commandf("machinectl apply %s", filepath.Join(d.examples, "profiles.hcl"))
	began := time.Now()
	if _, err := d.stack.ctl(ctx, d.bin, d.profile("apply", "-auto-approve")...); err != nil {
		return err
	}
	d.sizes = watchSizes(d.api)
	return d.until(ctx, "the first machines to be ready", func(ctx context.Context) (bool, string, error) {
		machines, err := d.api.Machines(ctx, "")
		ready := 0
		for _, m := range machines {
			if m.State == client.MachineStateReady {
				ready++
			}
		}
		return ready >= 2, fmt.Sprintf("%d of %d machines ready after %.0f s", ready, len(machines), time.Since(began).Seconds()), err
	})
}

func (d *demo) submitMixed(ctx context.Context) error {
	d.out.Stepf("Submit a mixed batch over HTTP (POST /v1/jobs)")
	for _, name := range []string{"comfyui", "simulation", "simulation", "comfyui", "simulation", "comfyui", "comfyui"} {
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
	var s client.Submission
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if s.Parameters, err = recolour(s.Parameters, len(d.ids)); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	job, err := d.api.Submit(ctx, &s)
	if err != nil {
		return err
	}
	d.ids = append(d.ids, job.ID)
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

// grow lets the queue become longer than the pools' target wait allows, and watches them being resized while the jobs are done.
func (d *demo) grow(ctx context.Context) error {
	const more = 14
	d.out.Stepf("Submit more than the machines can take in time: pools grow")
	for range more {
		if err := d.submit(ctx, "comfyui"); err != nil {
			return err
		}
	}
	d.out.Notef("%d more comfyui jobs", more)
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
		return ended == len(d.ids), progressBar(states), nil
	})
}

func (d *demo) shrink(ctx context.Context) error {
	d.out.Stepf("The queue is empty: machines are drained, then pools shrink")
	return d.until(ctx, "the pools to be resized down", func(context.Context) (bool, string, error) {
		return d.sizes.down > 0 && d.sizes.atMinimum(), "machines: " + d.sizes.String(), nil
	})
}

func (d *demo) states(ctx context.Context) (map[client.State]int, error) {
	states := map[client.State]int{}
	for _, id := range d.ids {
		j, err := d.api.Job(ctx, id)
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
		if err == nil {
			err = d.showResizes(ctx)
		}
		if err != nil {
			return fmt.Errorf("waiting for %s: %w", what, errors.Join(err, d.stack.alive()))
		}
		if ok {
			d.out.Notef("%s", status)
			return nil
		}
		d.out.Livef("%s", status)
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s (%s): %w", what, status, context.Cause(ctx))
		case <-tick.C:
		}
	}
}

// showResizes is called all the time, so that no resize is missed in the counts.
func (d *demo) showResizes(ctx context.Context) error {
	resizes, err := d.sizes.poll(ctx)
	for _, r := range resizes {
		d.out.Notef("%s", r)
	}
	return err
}

func progressBar(states map[client.State]int) string {
	var parts []string
	total, done := 0, 0
	for _, s := range []client.State{client.StateWaiting, client.StateDelayed, client.StateRunning, client.StateCompleted, client.StateFailed, client.StateDead, client.StateCancelled} {
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
