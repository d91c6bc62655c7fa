package queue

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
)

// Register registers a worker and moves the classes to the audiences of the fleet that results. It must be repeated when the
// offer changes; [Client.Heartbeat] keeps it alive. [Client.Claim] registers a worker that Redis doesn't know.
func (c *Client) Register(ctx context.Context, w WorkerInfo) error {
	if err := w.validate(); err != nil {
		return err
	}
	jobType := w.Offer.Type
	// The type comes first, then the drain: a concurrent Drain either finds the type, or has already written its key.
	if err := c.useType(ctx, jobType); err != nil {
		return err
	}
	if err := c.copyDrains(ctx, w.Machine, jobType); err != nil {
		return err
	}
	offer, err := json.Marshal(w.Offer)
	if err != nil {
		return fmt.Errorf("queue: offer: %w", err)
	}
	_, err = c.inType(ctx, jobType, func() (any, error) {
		return c.evalAgain(ctx, "register", jobType, nil, w.Machine, w.Name, w.index(), w.Offer.Profile(), offer, c.opts.registration().Milliseconds())
	})
	if err != nil {
		return err
	}
	c.mu.Lock()
	if c.workers[w.Machine] == nil {
		c.workers[w.Machine] = map[string]WorkerInfo{}
	}
	c.workers[w.Machine][jobType+"/"+w.Name] = w
	c.mu.Unlock()
	return c.remap(ctx, jobType)
}

// registerAgain registers a worker again that Redis no longer knows: it was silent for long, or Redis has lost it, and then
// the machine's report as well.
func (c *Client) registerAgain(ctx context.Context, w WorkerInfo) error {
	if err := c.Register(ctx, w); err != nil {
		return err
	}
	return c.remember(ctx, w.Machine, &HeartbeatAnswer{})
}

// Unregister removes a worker from the types for which this client registered it, or else from all types.
func (c *Client) Unregister(ctx context.Context, machine, worker string) error {
	var types []string
	c.mu.Lock()
	for key := range c.workers[machine] {
		if jobType, name, _ := strings.Cut(key, "/"); name == worker {
			types = append(types, jobType)
			delete(c.workers[machine], key)
		}
	}
	if len(c.workers[machine]) == 0 {
		delete(c.workers, machine)
	}
	c.mu.Unlock()
	if len(types) == 0 {
		var err error
		if types, err = c.allTypes(ctx); err != nil {
			return err
		}
	}
	for _, t := range types {
		if err := c.unregister(ctx, t, false, []string{machine + "/" + worker}); err != nil {
			return err
		}
	}
	return nil
}

// unregister removes workers of one type and remaps, which does nothing if the profiles are the same. With onlyPassed it
// removes only those whose registration has expired.
func (c *Client) unregister(ctx context.Context, jobType string, onlyPassed bool, workers []string) error {
	args := []any{boolArg(onlyPassed)}
	for _, w := range workers {
		args = append(args, w)
	}
	if _, err := c.evalAgain(ctx, "unregister", jobType, nil, args...); err != nil {
		return err
	}
	return c.remap(ctx, jobType)
}

func boolArg(b bool) string {
	if b {
		return "1"
	}
	return "0"
}

func (w WorkerInfo) validate() error {
	for name, v := range map[string]string{"machine": w.Machine, "name": w.Name} {
		if problem := checkText(v, maxName); problem != "" || v == "" || strings.Contains(v, "/") {
			return &InvalidError{"worker." + name, fmt.Sprintf("%q: write 1 to %d bytes of text without a slash", printable(v), maxName)}
		}
	}
	if w.Index < 0 || w.Index > 999_999 {
		return &InvalidError{"worker.index", fmt.Sprintf("is %d: write 0 to 999999", w.Index)}
	}
	if err := w.Offer.Validate(); err != nil {
		return &InvalidError{"worker.offer", err.Error()}
	}
	return nil
}

// entry returns the worker's value in ctl.
func (w WorkerInfo) entry() string { return w.Offer.Profile() + "\t" + w.index() }

// index returns the allocation's index in the form that sorts in the idle set.
func (w WorkerInfo) index() string { return fmt.Sprintf("%06d", w.Index) }

// key returns the worker's name among all types.
func (w WorkerInfo) key() string { return w.Offer.Type + " " + w.Machine + "/" + w.Name }

// registered lists what this client registered for a machine, by type.
func (c *Client) registered(machine string) map[string][]WorkerInfo {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := map[string][]WorkerInfo{}
	for key, w := range c.workers[machine] {
		jobType, _, _ := strings.Cut(key, "/")
		out[jobType] = append(out[jobType], w)
	}
	return out
}
