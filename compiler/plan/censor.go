package plan

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	nomad "github.com/hashicorp/nomad/api"
)

// censor masks sensitive values in texts from other programs, such as Nomad's reasons and the output of tasks. Their places
// are unknown, so censor searches for the values. machinectl's own messages never contain one.
type censor struct {
	mu     sync.Mutex
	values []string // longest first
}

// shortest is the length from which a value is masked within a text. A shorter one is masked only if it is the whole text.
const shortest = 4

// learn adds values to mask.
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

// learnOf adds the sensitive values of a running job.
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

// Hide adds sensitive values to mask in texts from the cluster: see [profile.Profile].Sensitive.
func (c *Cluster) Hide(values []string) { c.foreign.learn(values) }
