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

// learn adds values to mask, and their lines: others' texts come line by line.
func (c *censor) learn(values []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, v := range values {
		for _, part := range append(strings.FieldsFunc(v, func(r rune) bool { return r == '\n' || r == '\r' }), v) {
			if strings.TrimSpace(part) != "" && !slices.Contains(c.values, part) {
				c.values = append(c.values, part)
			}
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

// HideOf adds the sensitive values of a job that runs.
func (c *Cluster) HideOf(job *nomad.Job) { c.foreign.learnOf(job) }

// Masked returns a line that a task wrote, without sensitive values. cut reports whether the line may have started earlier,
// within a value.
func (c *Cluster) Masked(line string, cut bool) string {
	if cut {
		line = c.foreign.beginning(line)
	}
	return c.foreign.text(line)
}

// beginning masks the longest end of a value with which a text begins.
func (c *censor) beginning(text string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	longest := 0
	for _, v := range c.values {
		for i := 1; i <= len(v)-shortest; i++ {
			if end := v[i:]; len(end) > longest && strings.HasPrefix(text, end) {
				longest = len(end)
			}
		}
	}
	if longest == 0 {
		return text
	}
	return masked + text[longest:]
}
