package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/emprops/machinectl/client"
	"github.com/emprops/machinectl/compiler/view"
	"github.com/emprops/machinectl/hcl/timetext"
	"github.com/emprops/machinectl/hcl/wiretime"
)

// drainPoll is the time between two requests for the state of a machine that is waited for.
const drainPoll = 500 * time.Millisecond

func drainCommand(std streams) *cli.Command {
	return &cli.Command{
		Name: "drain", Usage: "keep a machine from taking jobs for a while", ArgsUsage: "<machine>",
		Description: "The machine takes no more jobs; those that it runs continue. The drain ends after -for. Repeating the command renews\n" +
			"it, -disable ends it immediately, and -wait without -for does not change when it ends. Meanwhile the pool replaces the\n" +
			"machine, up to its maximum, and no resize or rollout stops it. Name the machine by the beginning of its id.",
		Flags: dispatcherFlags(
			jsonFlag(),
			durationFlag("for", 30*time.Minute, "how long, at most 168h"),
			&cli.StringFlag{Name: "reason", Usage: "`TEXT` that status and pools show"},
			&cli.BoolFlag{Name: "disable", Usage: "end the drain: the machine takes jobs again"},
			&cli.BoolFlag{Name: "wait", Usage: "wait until the machine runs nothing; exit with 6 if it does not get there"},
			durationFlag("timeout", 0, "how long to wait; by default until the drain ends"),
		),
		ShellComplete: completing(reportingMachines),
		Action:        func(ctx context.Context, cmd *cli.Command) error { return drain(ctx, cmd, std) },
	}
}

// errNotIdle reports that a machine did not become idle in time.
var errNotIdle = errors.New("the machine is not idle")

func drain(ctx context.Context, cmd *cli.Command, std streams) error {
	if cmd.Args().Len() != 1 {
		return misuse(cmd, "name one machine; `machinectl machines` lists them")
	}
	disable, wait := cmd.Bool("disable"), cmd.Bool("wait")
	for _, name := range []string{"for", "reason", "wait", "timeout"} {
		if disable && cmd.IsSet(name) {
			return misuse(cmd, "-disable ends a drain, and -%s belongs to a new one", name)
		}
	}
	if cmd.IsSet("timeout") && !wait {
		return misuse(cmd, "-timeout bounds -wait, which isn't given")
	}
	d, err := newDispatcher(cmd)
	if err != nil {
		return err
	}
	id, err := d.machine(ctx, cmd, cmd.Args().First())
	if err != nil {
		return err
	}
	w := &drainWait{dispatcher: d, id: id, out: std.screen(), quiet: cmd.Bool("json")}
	lasts, err := w.lasts(ctx, cmd)
	if err != nil {
		return err
	}
	limit := cmp.Or(cmd.Duration("timeout"), lasts)
	if limit > lasts {
		return misuse(cmd, "the drain would end after %s, before the %s to wait: raise -for", timetext.Duration(lasts), timetext.Duration(limit))
	}
	state, err := w.order(ctx, cmd, lasts)
	if err != nil {
		return err
	}
	w.show(state)
	if wait {
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		state, err = w.idle(ctx, state)
	}
	if cmd.Bool("json") {
		err = errors.Join(std.json(state), err)
	}
	return err
}

// drainWait follows one machine's drain.
type drainWait struct {
	*dispatcher
	id    string // the machine's
	out   view.Screen
	quiet bool
	// before is the drain that was already in force.
	before *client.Drain
}

// lasts returns how long the drain is to last. Waiting for a machine that is drained already does not change when its drain
// ends, unless -for is set.
func (w *drainWait) lasts(ctx context.Context, cmd *cli.Command) (time.Duration, error) {
	asked := cmd.Duration("for")
	if !cmd.Bool("wait") || cmd.IsSet("for") {
		return asked, nil
	}
	state, err := w.DrainState(ctx, w.id)
	if err != nil {
		return 0, err
	}
	if !state.Drained || state.Until == nil {
		return asked, nil
	}
	w.before = state
	return max(time.Until(*state.Until), time.Second).Round(time.Second), nil
}

// order drains the machine, or ends its drain. A drain that is only waited for stays as it is.
func (w *drainWait) order(ctx context.Context, cmd *cli.Command, lasts time.Duration) (*client.Drain, error) {
	if cmd.Bool("disable") {
		return w.EndDrain(ctx, w.id)
	}
	if w.before != nil && !cmd.IsSet("reason") {
		return w.before, nil
	}
	length := wiretime.Duration(lasts)
	return w.Drain(ctx, w.id, client.DrainOrder{Reason: cmd.String("reason"), For: &length})
}

// idle waits until the machine runs no job, and shows the number of its jobs whenever that changes.
func (w *drainWait) idle(ctx context.Context, state *client.Drain) (*client.Drain, error) {
	for state.Running > 0 {
		select {
		case <-ctx.Done():
			if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return state, context.Cause(ctx)
			}
			return state, fmt.Errorf("%w: machine %.8s still runs %s; it stays drained until %s", errNotIdle, state.Machine, plural(state.Running, "job"), clock(state.Until))
		case <-time.After(drainPoll):
		}
		before := state.Running
		next, err := w.DrainState(ctx, w.id)
		if err != nil {
			if ctx.Err() != nil {
				continue // reported above
			}
			return state, err
		}
		until := state.Until
		switch state = next; {
		case state.Drained:
		case until != nil && !time.Now().Before(*until):
			return state, fmt.Errorf("%w: the drain of machine %.8s has ended, and it still runs %s", errNotIdle, state.Machine, plural(state.Running, "job"))
		default:
			return state, fmt.Errorf("%w: the drain of machine %.8s was ended by another client", errNotIdle, state.Machine)
		}
		if state.Running != before && state.Running > 0 {
			w.sayf("  %s left", plural(state.Running, "job"))
		}
	}
	w.sayf("Machine %.8s is idle.", state.Machine)
	return state, nil
}

func (w *drainWait) show(state *client.Drain) {
	switch {
	case !state.Drained:
		w.sayf("Machine %.8s takes jobs again.", state.Machine)
	case state.Running == 0:
		w.sayf("Machine %.8s takes no more jobs until %s, and runs none.", state.Machine, clock(state.Until))
	default:
		w.sayf("Machine %.8s takes no more jobs until %s. It still runs %s.", state.Machine, clock(state.Until), plural(state.Running, "job"))
	}
}

func (w *drainWait) sayf(format string, args ...any) {
	if !w.quiet {
		w.out.Printf(format, args...)
	}
}
