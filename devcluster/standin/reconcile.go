package standin

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/nomad/api"
)

// Nomad's descriptions of what it does to an allocation.
const (
	whyNotNeeded   = "alloc not needed due to job update"
	whyUpdating    = "alloc is being updated due to job update"
	whyInPlace     = "alloc updating in-place"
	whyMigrating   = "alloc is being migrated"
	whyRescheduled = "alloc was rescheduled because it failed"
)

// placement is one allocation to create.
type placement struct {
	group    *api.TaskGroup
	name     string
	previous *api.Allocation // what it replaces, or nil
	why      string          // what happens to previous; empty if it was already stopped
	failed   bool            // previous failed, so this is a reschedule
}

// stopping is one allocation to stop, without a replacement.
type stopping struct {
	alloc *api.Allocation
	why   string
}

// changes lists what has to be done for a job's allocations to match the job.
type changes struct {
	place   []placement
	stop    []stopping
	inPlace []*api.Allocation
	later   time.Time // when a failed allocation may be rescheduled; zero if none waits
	updates map[string]*api.DesiredUpdates
}

// reconcile compares a job with its allocations. It is pure. A nil or stopped job wants no allocations. feasible
// reports whether the node can run a group at all, which an in-place update requires.
func reconcile(job *api.Job, allocs []*api.Allocation, now time.Time, feasible func(*api.TaskGroup) bool) *changes {
	c := &changes{updates: map[string]*api.DesiredUpdates{}}
	groups := map[string]*api.TaskGroup{}
	if job != nil && !deref(job.Stop) {
		for _, tg := range job.TaskGroups {
			groups[*tg.Name] = tg
		}
	}
	byGroup := map[string][]*api.Allocation{}
	for _, a := range allocs {
		if a.DesiredStatus == api.AllocDesiredStatusRun && a.NextAllocation == "" {
			byGroup[a.TaskGroup] = append(byGroup[a.TaskGroup], a)
		}
	}
	for name, live := range byGroup {
		if groups[name] == nil {
			c.stopAll(name, live)
		}
	}
	for name, tg := range groups {
		c.group(job, tg, byGroup[name], now, feasible)
	}
	return c
}

func (c *changes) of(group string) *api.DesiredUpdates {
	if c.updates[group] == nil {
		c.updates[group] = &api.DesiredUpdates{}
	}
	return c.updates[group]
}

func (c *changes) stopAll(group string, live []*api.Allocation) {
	for _, a := range live {
		if !a.ClientTerminalStatus() {
			c.stop = append(c.stop, stopping{a, whyNotNeeded})
			c.of(group).Stop++
		}
	}
}

func (c *changes) group(job *api.Job, tg *api.TaskGroup, allocs []*api.Allocation, now time.Time, feasible func(*api.TaskGroup) bool) {
	u, count := c.of(*tg.Name), deref(tg.Count)
	var keep, migrate, reschedule []*api.Allocation
	for _, a := range allocs {
		switch {
		case a.ClientStatus == api.AllocClientStatusComplete, a.ClientStatus == api.AllocClientStatusLost:
			// It has ended by itself, so its place is free.
		case a.ClientStatus == api.AllocClientStatusFailed:
			at, allowed := rescheduleAt(tg.ReschedulePolicy, a)
			switch {
			case !allowed: // keeps its place
				keep = append(keep, a)
			case at.After(now):
				keep = append(keep, a)
				u.RescheduleLater++
				if c.later.IsZero() || at.Before(c.later) {
					c.later = at
				}
			default:
				reschedule = append(reschedule, a)
			}
		case deref(a.DesiredTransition.Migrate):
			migrate = append(migrate, a)
		default:
			keep = append(keep, a)
		}
	}
	keep, migrate, reschedule = c.shrink(count, keep, migrate, reschedule, u)
	c.update(job, tg, keep, u, feasible)
	for _, a := range migrate {
		c.place = append(c.place, placement{group: tg, name: a.Name, previous: a, why: whyMigrating})
		u.Migrate++
	}
	for _, a := range reschedule {
		c.place = append(c.place, placement{group: tg, name: a.Name, previous: a, why: whyRescheduled, failed: true})
		u.Place++
		u.Stop++
		u.RescheduleNow++
	}
	taken := map[int]bool{}
	for _, a := range slices.Concat(keep, migrate, reschedule) {
		taken[allocIndex(a)] = true
	}
	for i, have := 0, len(keep)+len(migrate)+len(reschedule); have < count; i++ {
		if taken[i] {
			continue
		}
		c.place = append(c.place, placement{group: tg, name: allocName(job, tg, i)})
		u.Place++
		have++
	}
}

// shrink stops allocations above the count: first those that are leaving anyway, then the highest indexes, whatever
// their state.
func (c *changes) shrink(count int, keep, migrate, reschedule []*api.Allocation, u *api.DesiredUpdates) (_, _, _ []*api.Allocation) {
	over := len(keep) + len(migrate) + len(reschedule) - count
	cut := func(from []*api.Allocation) []*api.Allocation {
		slices.SortFunc(from, func(a, b *api.Allocation) int { return cmp.Compare(allocIndex(a), allocIndex(b)) })
		for over > 0 && len(from) > 0 {
			last := from[len(from)-1]
			from = from[:len(from)-1]
			c.stop = append(c.stop, stopping{last, whyNotNeeded})
			u.Stop++
			over--
		}
		return from
	}
	migrate = cut(migrate)
	all := cut(slices.Concat(keep, reschedule))
	again := map[*api.Allocation]bool{}
	for _, a := range reschedule {
		again[a] = true
	}
	keep, reschedule = nil, nil
	for _, a := range all {
		if again[a] {
			reschedule = append(reschedule, a)
		} else {
			keep = append(keep, a)
		}
	}
	return keep, migrate, reschedule
}

// update sorts kept allocations into those that are current, those whose job is replaced in place, and those that must
// be replaced. With max_parallel = 0 all of them are replaced at the same time.
func (c *changes) update(job *api.Job, tg *api.TaskGroup, keep []*api.Allocation, u *api.DesiredUpdates, feasible func(*api.TaskGroup) bool) {
	for _, a := range keep {
		switch {
		case deref(a.Job.JobModifyIndex) == deref(job.JobModifyIndex):
			u.Ignore++
		case needsReplacing(a.Job, job, *tg.Name) || !feasible(tg):
			c.place = append(c.place, placement{group: tg, name: a.Name, previous: a, why: whyUpdating})
			u.DestructiveUpdate++
		case a.ClientTerminalStatus():
			u.Ignore++
		default:
			c.inPlace = append(c.inPlace, a)
			u.InPlaceUpdate++
		}
	}
}

func allocName(job *api.Job, tg *api.TaskGroup, index int) string {
	return fmt.Sprintf("%s.%s[%d]", *job.ID, *tg.Name, index)
}

// allocIndex returns the number in an allocation's name.
func allocIndex(a *api.Allocation) int {
	open := strings.LastIndexByte(a.Name, '[')
	n, err := strconv.Atoi(strings.TrimSuffix(a.Name[open+1:], "]"))
	if err != nil {
		return 0 // can't happen: allocName makes all names
	}
	return n
}

// rescheduleAt reports whether a failed allocation may be replaced, and from when on.
func rescheduleAt(p *api.ReschedulePolicy, a *api.Allocation) (time.Time, bool) {
	if p == nil || (!deref(p.Unlimited) && deref(p.Attempts) == 0) {
		return time.Time{}, false
	}
	failed := time.Unix(0, a.ModifyTime)
	var past []*api.RescheduleEvent
	if a.RescheduleTracker != nil {
		past = a.RescheduleTracker.Events
	}
	if !deref(p.Unlimited) {
		recent := 0
		for _, e := range past {
			if failed.Sub(time.Unix(0, e.RescheduleTime)) < deref(p.Interval) {
				recent++
			}
		}
		if recent >= deref(p.Attempts) {
			return time.Time{}, false
		}
	}
	return failed.Add(rescheduleDelay(p, len(past))), true
}

func rescheduleDelay(p *api.ReschedulePolicy, attempts int) time.Duration {
	base, limit := deref(p.Delay), deref(p.MaxDelay)
	d, next := base, base
	for range attempts {
		switch deref(p.DelayFunction) {
		case "exponential":
			d *= 2
		case "fibonacci":
			d, next = next, d+next
		}
		if limit > 0 && d > limit {
			return limit
		}
	}
	return d
}
