package resize

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/emprops/machinectl/dispatcher/fleet"
	"github.com/emprops/machinectl/dispatcher/rollout"
	"github.com/emprops/machinectl/dispatcher/scaler"
)

// act moves the pool one step towards the plan. It writes to Nomad at most once, because a write makes what was observed stale.
func (l *Loop) act(ctx context.Context, p *pool, plan rollout.Plan, d scaler.Decision) (changed bool, err error) {
	if p.held() != "" {
		return false, l.undrain(ctx, p)
	}
	for _, g := range p.Groups {
		if target := plan.Targets[g.Name]; target > g.Count && (p.unknown == "" || !plan.Moving) {
			return l.grow(ctx, p, g, plan, d)
		}
	}
	if p.unknown != "" {
		return false, nil
	}
	for _, g := range p.Groups {
		if target := plan.Targets[g.Name]; target < g.Count && target >= len(g.Machines) {
			l.log.Info("withdrawing unplaced machines", "pool", p.full(), "group", g.Name, "from", g.Count, "to", target, "reason", plan.Reason)
			return true, l.o.Fleet.Scale(ctx, p.Pool, change(p, g, target, plan, d))
		}
	}
	if p.foreign != "" {
		return false, nil
	}
	var failed error
	for _, g := range p.Groups {
		changed, err := l.shrink(ctx, p, g, plan, d)
		if changed || errors.Is(err, fleet.ErrConflict) {
			return changed, err
		}
		failed = errors.Join(failed, err)
	}
	if failed != nil || len(plan.Remove) == 0 {
		return false, failed
	}
	l.log.Info("removing an old revision", "pool", p.full(), "group", plan.Remove[0])
	return true, l.o.Fleet.RemoveGroup(ctx, p.Pool, plan.Remove[0])
}

func (l *Loop) grow(ctx context.Context, p *pool, g fleet.Group, plan rollout.Plan, d scaler.Decision) (bool, error) {
	target := plan.Targets[g.Name]
	if p.unknown == "" {
		if err := l.drainOnly(ctx, p, g, nil); err != nil {
			return false, err
		}
	}
	l.log.Info("growing a pool", "pool", p.full(), "group", g.Name, "from", g.Count, "to", target, "total", d.Count, "reasons", d.Reasons)
	return true, l.o.Fleet.Scale(ctx, p.Pool, change(p, g, target, plan, d))
}

// shrink drains the machines that Nomad may stop at the target, and lowers the count as far as those machines are idle.
func (l *Loop) shrink(ctx context.Context, p *pool, g fleet.Group, plan rollout.Plan, d scaler.Decision) (bool, error) {
	target := plan.Targets[g.Name]
	victims, err := g.Victims(target)
	if err != nil {
		if target == g.Count {
			return false, nil
		}
		return false, fmt.Errorf("group %s does not shrink yet: %w", g.Name, err)
	}
	// The drains must still hold when Nomad acts on the new count.
	ctx, cancel := context.WithTimeout(ctx, l.o.DrainTTL/2)
	defer cancel()
	if err := l.drainOnly(ctx, p, g, victims); err != nil || target >= g.Count {
		return false, err
	}
	count, err := l.idleCount(ctx, g, victims, target)
	if err != nil || count == g.Count {
		return false, err
	}
	l.log.Info("shrinking a pool", "pool", p.full(), "group", g.Name, "from", g.Count, "to", count, "total", d.Count, "reasons", d.Reasons)
	return true, l.o.Fleet.Scale(ctx, p.Pool, change(p, g, count, plan, d))
}

// idleCount returns the lowest count, not below target, at which Nomad stops only machines with no job in flight. The
// victims have just been drained, so the answer holds until their drains lapse.
func (l *Loop) idleCount(ctx context.Context, g fleet.Group, victims []fleet.Machine, target int) (int, error) {
	idle := map[string]bool{}
	for _, m := range victims {
		n, err := l.o.Queue.InFlight(ctx, m.ID)
		if err != nil {
			return 0, fmt.Errorf("counting the jobs in flight on machine %s: %w", m.ID, err)
		}
		idle[m.ID] = n == 0
	}
	count := target
	for ; count < g.Count; count++ {
		some, err := g.Victims(count)
		if err == nil && !slices.ContainsFunc(some, func(m fleet.Machine) bool { return !idle[m.ID] }) {
			break
		}
	}
	return count, nil
}

// drainOnly drains these machines of the group or renews their drain, and withdraws the drain of the others where it is
// this dispatcher's.
func (l *Loop) drainOnly(ctx context.Context, p *pool, g fleet.Group, machines []fleet.Machine) error {
	wanted := map[string]bool{}
	for _, m := range machines {
		wanted[m.ID] = true
		if _, ours := l.drained[m.ID]; !ours {
			l.log.Info("draining a machine", "pool", p.full(), "group", g.Name, "machine", m.ID, "index", m.Index)
		}
		l.drained[m.ID] = p.full() // before the call: one that fails may have taken effect
		if err := l.o.Queue.Drain(ctx, m.ID, "pool "+p.full()+" shrinks", l.o.DrainTTL); err != nil {
			return fmt.Errorf("draining machine %s: %w", m.ID, err)
		}
	}
	for _, m := range g.Machines {
		if _, ours := l.drained[m.ID]; !ours || wanted[m.ID] {
			continue
		}
		if err := l.o.Queue.Undrain(ctx, m.ID); err != nil {
			return fmt.Errorf("withdrawing the drain of machine %s: %w", m.ID, err)
		}
		delete(l.drained, m.ID)
		l.log.Info("machine undrained", "pool", p.full(), "group", g.Name, "machine", m.ID)
	}
	return nil
}

// undrain withdraws this dispatcher's drains of a pool, if Redis can be reached.
func (l *Loop) undrain(ctx context.Context, p *pool) error {
	if p.unknown != "" {
		return nil
	}
	for _, g := range p.Groups {
		if err := l.drainOnly(ctx, p, g, nil); err != nil {
			return err
		}
	}
	return nil
}

func change(p *pool, g fleet.Group, count int, plan rollout.Plan, d scaler.Decision) fleet.Change {
	return fleet.Change{Group: g.Name, Count: count, Total: d.Count, Fits: plan.Fits, Message: message(p, plan, d)}
}

// message returns what Nomad's UI shows for the scaling event. During a rollout that is the rollout, and the decision's
// reasons only if the pool's size changes too. The last reason is the one that decided.
func message(p *pool, plan rollout.Plan, d scaler.Decision) string {
	var parts []string
	if w := p.Wanted(); plan.Moving && w != nil {
		text := "rollout to " + w.Name
		if plan.Reason != "" {
			text += ", " + plan.Reason
		}
		parts = append(parts, text)
	}
	if !plan.Moving || d.Count != d.From {
		for _, r := range d.Reasons {
			parts = append(parts, r.Text)
		}
	}
	return "machinectl: " + strings.Join(parts, "; ")
}
