package scaler

import (
	"fmt"
	"slices"
	"time"

	"github.com/emprops/machinectl/hcl/timetext"
)

// Decide returns how many machines each pool of the snapshot should have, and why, in the order of the pools.
func Decide(s Snapshot, now time.Time) []Decision {
	candidates := split(s.Classes, s.Pools, now)
	decisions := make([]Decision, len(candidates))
	for i, c := range candidates {
		decisions[i] = c.decide(s.Unknown, now)
	}
	return decisions
}

func (c *candidate) decide(unknown string, now time.Time) Decision {
	need, drained := c.machinesFor(c.shares), c.drained()
	d := Decision{Pool: c.Name, At: now, From: c.Count, Need: need + drained, Count: c.Count, Loads: c.loads}
	if c.Unknown != "" {
		unknown = c.Unknown
	}
	if unknown != "" {
		d.Need = c.Count
		d.becausef(Unknown, "%s: no machine is removed", unknown)
		d.toMinimum(c.Policy.Min)
		return d
	}
	d.becausef(Demand, "%s", c.demandText(need))
	if drained > 0 {
		d.becausef(Drained, "%s beside that, drained by hand", machinesText(drained))
	}
	if c.paused > 0 {
		d.becausef(Paused, "%s for the type to be resumed", waitText(c.paused))
	}
	if c.Scarce != "" {
		d.becausef(Scarce, "jobs go to other pools first: %s", c.Scarce)
	}
	switch {
	case c.Held != "":
		d.becausef(Holding, "an operator paused the pool: %s", c.Held)
		return d
	case c.Manual != nil:
		c.byHand(&d)
		return d
	}
	switch want := d.bounded(c.Policy.Min, c.Policy.Max); {
	case want > c.Count:
		c.grow(&d, want, now)
	case want < c.Count:
		c.shrink(&d, want, now)
	}
	return d
}

// byHand sets the number of machines that an operator chose. Neither idle times nor cooldowns hold it back; how a pool shrinks
// keeps jobs from being interrupted.
func (c *candidate) byHand(d *Decision) {
	want := c.manual()
	d.becausef(Manually, "an operator keeps %s", c.Manual.Text)
	switch {
	case want > c.Count && c.Blocked != "":
		d.becausef(Blocked, "Nomad can't place more: %s", c.Blocked)
	case want > c.Count && c.Crashing != "":
		d.becausef(Crashing, "new machines don't become ready: %s", c.Crashing)
	default:
		d.Count = want
	}
	if want < c.Manual.Count {
		d.becausef(Maximum, "the pool may have at most %s", machinesText(want))
	}
}

// bounded returns the need clamped to the policy's bounds.
func (d *Decision) bounded(least, most int) int {
	switch {
	case d.Need < least:
		d.becausef(Minimum, "the pool keeps at least %s", machinesText(least))
		return least
	case d.Need > most:
		d.becausef(Maximum, "the pool may have at most %s", machinesText(most))
		return most
	default:
		return d.Need
	}
}

func (d *Decision) toMinimum(least int) {
	if d.Count < least {
		d.becausef(Minimum, "the pool keeps at least %s", machinesText(least))
		d.Count = least
	}
}

func (c *candidate) grow(d *Decision, want int, now time.Time) {
	d.Count = max(c.Count, min(want, c.Policy.Min)) // the minimum is not held back
	wait := c.LastUp.Add(c.Policy.UpCooldown.D()).Sub(now)
	switch {
	case c.Blocked != "":
		d.becausef(Blocked, "Nomad can't place more: %s", c.Blocked)
	case c.Crashing != "":
		d.becausef(Crashing, "new machines don't become ready: %s", c.Crashing)
	case !c.LastUp.IsZero() && wait > 0 && d.Count < want:
		d.becausef(UpCooldown, "grown %s ago: wait %s more", timetext.Duration(now.Sub(c.LastUp).Round(time.Second)), timetext.Duration(wait.Round(time.Second)))
	default:
		d.Count = want
	}
}

func (c *candidate) shrink(d *Decision, want int, now time.Time) {
	most := max(min(c.Count, c.Policy.Max), want) // machines over the maximum go unconditionally
	wait := c.LastDown.Add(c.Policy.DownCooldown.D()).Sub(now)
	removable := c.removable(now)
	switch {
	case !c.LastDown.IsZero() && wait > 0:
		d.Count = most
		if most > want {
			d.becausef(DownCooldown, "shrunk %s ago: wait %s more", timetext.Duration(now.Sub(c.LastDown).Round(time.Second)), timetext.Duration(wait.Round(time.Second)))
		}
	case c.Count-removable > want:
		d.Count = min(most, c.Count-removable)
		d.becausef(NotIdle, "%s idle for %s: the others stay", machinesText(removable), timetext.Duration(c.Policy.IdleAfter.D()))
	case c.Blocked != "" && want >= len(c.Machines):
		d.Count = want
		d.becausef(Blocked, "Nomad can't place more (%s), and other pools can serve the jobs", c.Blocked)
	default:
		d.Count = want
		d.becausef(Idle, "%s idle for %s", machinesText(removable), timetext.Duration(c.Policy.IdleAfter.D()))
	}
}

// removable counts the machines that have been idle long enough, or that were requested and never placed.
func (c *candidate) removable(now time.Time) int {
	n := max(c.Count-len(c.Machines), 0)
	for _, m := range c.Machines {
		if !m.Drained && !m.IdleSince.IsZero() && now.Sub(m.IdleSince) >= c.Policy.IdleAfter.D() {
			n++
		}
	}
	return min(n, c.Count)
}

func (d *Decision) becausef(code Code, format string, args ...any) {
	d.Reasons = append(d.Reasons, Reason{Code: code, Text: fmt.Sprintf(format, args...)})
}

// Has reports whether the decision names this rule.
func (d *Decision) Has(code Code) bool {
	return slices.ContainsFunc(d.Reasons, func(r Reason) bool { return r.Code == code })
}
