package alert

import (
	"maps"
	"time"

	"github.com/emprops/machinectl/queue"
)

// census remembers which machines report, to notice those that stop. An agent that ends in order takes its report away, which
// is then fresh; the report of one that is lost grows old and lapses. Ages are measured by the dispatcher's clock from when a
// new report was first read, so that clocks needn't agree.
type census struct {
	at   time.Time // of the last update
	last map[string]sighting
	lost map[string]queue.Machine // by id
}

// sighting is a machine's last report, and when it was new.
type sighting struct {
	queue.Machine
	since time.Time
}

// overdue reports whether the next report should have come.
func (s sighting) overdue(now time.Time) bool {
	return now.Sub(s.since) >= reportAge && s.State != queue.MachineStopping
}

// update takes a new reading in.
func (c *census) update(f Facts) {
	if f.At.Sub(c.at) > reportAge/2 {
		c.last = nil // too long ago to say how a machine ended in between
	}
	c.at = f.At
	now := map[string]sighting{}
	for _, m := range f.Machines {
		s := sighting{m, f.At}
		if before, ok := c.last[m.ID]; ok && before.At.Equal(m.At) {
			s.since = before.since
		}
		now[m.ID] = s
		if s.overdue(f.At) {
			c.miss(m)
		} else {
			delete(c.lost, m.ID)
		}
	}
	for id, s := range c.last {
		if _, reports := now[id]; !reports && s.overdue(f.At) {
			c.miss(s.Machine)
		}
	}
	c.last = now
	c.settle(f)
}

// settle forgets the lost machines of pools that have replaced them, or that are gone.
func (c *census) settle(f Facts) {
	short := map[string]bool{}
	for _, p := range f.Pools {
		short[p.Pool] = p.Ready < p.Asked
	}
	maps.DeleteFunc(c.lost, func(id string, m queue.Machine) bool {
		_, reports := c.last[id]
		return !reports && !short[m.Pool]
	})
}

func (c *census) miss(m queue.Machine) {
	if c.lost == nil {
		c.lost = map[string]queue.Machine{}
	}
	c.lost[m.ID] = m
}
