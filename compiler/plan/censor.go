package plan

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	nomad "github.com/hashicorp/nomad/api"
)

// censor hides sensitive values in texts that others wrote: Nomad's reasons, a task's last words. Where in them a value stands
// nobody knows, so it is looked for. What machinectl itself says never holds one.
type censor struct {
	mu     sync.Mutex
	values []string // the longest first
}

// shortest is how long a value must be to be looked for within a text; a shorter one is only hidden where it is all of it.
const shortest = 4

// learn adds values.
func (c *censor) learn(values []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, v := range values {
		if v != "" && !slices.Contains(c.values, v) {
			c.values = append(c.values, v)
		}
	}
	slices.SortFunc(c.values, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), strings.Compare(a, b)) })
}

// learnOf adds what jobs that run hold.
func (c *censor) learnOf(job *nomad.Job) {
	var values []string
	for _, leaf := range hideJobs(job).leaves {
		values = append(values, leaf.Value)
	}
	c.learn(values)
}

func (c *censor) text(text string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, v := range c.values {
		switch {
		case text == v:
			return masked
		case len(v) >= shortest:
			text = strings.ReplaceAll(text, v, masked)
		}
	}
	return text
}

func (c *censor) texts(list []string) []string {
	for i := range list {
		list[i] = c.text(list[i])
	}
	return list
}

// Hide tells of sensitive values that texts from the cluster may hold: see [profile.Profile].Sensitive.
func (c *Cluster) Hide(values []string) { c.foreign.learn(values) }
