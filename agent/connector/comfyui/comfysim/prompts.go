package comfysim

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"sync"
)

// prompt is one accepted prompt.
type prompt struct {
	number  float64
	id      string
	raw     json.RawMessage
	extra   map[string]any
	nodes   map[string]node
	outputs []string
}

// MarshalJSON writes the tuple that /queue and /history show.
func (p *prompt) MarshalJSON() ([]byte, error) {
	return json.Marshal([]any{p.number, p.id, p.shown(), p.extra, p.outputs})
}

// shown returns the workflow as clients see it: newer servers add to each node what its IS_CHANGED returned, often NaN.
func (p *prompt) shown() any {
	var nodes map[string]map[string]any
	d := json.NewDecoder(bytes.NewReader(p.raw))
	d.UseNumber() // seeds keep their digits
	if d.Decode(&nodes) != nil {
		return p.raw // impossible: it was parsed before
	}
	for _, n := range nodes {
		n["is_changed"] = []string{notANumber}
	}
	return nodes
}

func (p *prompt) clientID() string {
	id, _ := p.extra["client_id"].(string)
	return id
}

// record is a prompt's entry in the history.
type record struct {
	Prompt  *prompt                   `json:"prompt"`
	Outputs map[string]map[string]any `json:"outputs"`
	Status  status                    `json:"status"`
	Meta    map[string]any            `json:"meta"`
}

type status struct {
	Text      string `json:"status_str"`
	Completed bool   `json:"completed"`
	Messages  []any  `json:"messages"`
}

// prompts is ComfyUI's PromptQueue: the waiting prompts, the running one, and those that have ended.
type prompts struct {
	changed func() // called after each change, outside the lock
	arrived chan struct{}

	mu      sync.Mutex
	next    float64
	waiting []*prompt
	running *prompt
	history map[string]*record
	order   []string // of the history
}

func newPrompts(changed func()) *prompts {
	return &prompts{changed: changed, arrived: make(chan struct{}, 1), history: map[string]*record{}}
}

func (q *prompts) put(p *prompt, number *float64, front bool) {
	q.mu.Lock()
	if number != nil {
		p.number = *number
	} else {
		p.number = q.next
		if front {
			p.number = -p.number
		}
		q.next++
	}
	q.waiting = append(q.waiting, p)
	slices.SortStableFunc(q.waiting, func(a, b *prompt) int { return cmp.Compare(a.number, b.number) })
	q.mu.Unlock()
	q.wake()
	q.changed()
}

// wake wakes the executor.
func (q *prompts) wake() {
	select {
	case q.arrived <- struct{}{}:
	default:
	}
}

// take moves the next prompt to running, or returns nil.
func (q *prompts) take() *prompt {
	q.mu.Lock()
	if len(q.waiting) == 0 {
		q.mu.Unlock()
		return nil
	}
	q.running = q.waiting[0]
	p := q.running
	q.waiting = q.waiting[1:]
	q.mu.Unlock()
	q.changed()
	return p
}

// done moves the running prompt to the history, at one instant.
func (q *prompts) done(r *record) {
	q.mu.Lock()
	q.running = nil
	q.history[r.Prompt.id] = r
	q.order = append(q.order, r.Prompt.id)
	q.mu.Unlock()
	q.changed()
}

func (q *prompts) current() *prompt {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.running
}

func (q *prompts) lists() (running, waiting []*prompt) {
	q.mu.Lock()
	defer q.mu.Unlock()
	running = []*prompt{}
	if q.running != nil {
		running = append(running, q.running)
	}
	return running, append([]*prompt{}, q.waiting...)
}

func (q *prompts) remaining() int {
	running, waiting := q.lists()
	return len(running) + len(waiting)
}

// remove removes waiting prompts; nil means all.
func (q *prompts) remove(ids []string) {
	q.mu.Lock()
	q.waiting = slices.DeleteFunc(q.waiting, func(p *prompt) bool { return ids == nil || slices.Contains(ids, p.id) })
	q.mu.Unlock()
	q.changed()
}

// past returns the history's records: of one id, or all.
func (q *prompts) past(id string) map[string]*record {
	q.mu.Lock()
	defer q.mu.Unlock()
	found := map[string]*record{}
	for _, known := range q.order {
		if id == "" || known == id {
			found[known] = q.history[known]
		}
	}
	return found
}

// forget removes records from the history; nil means all.
func (q *prompts) forget(ids []string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.order = slices.DeleteFunc(q.order, func(id string) bool {
		gone := ids == nil || slices.Contains(ids, id)
		if gone {
			delete(q.history, id)
		}
		return gone
	})
}
