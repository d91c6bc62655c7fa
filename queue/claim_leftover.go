package queue

// leftover is what a worker's failed claim may have left in Redis.
type leftover struct {
	nonce string // of a claim that got no answer: the next claim repeats it
	idle  bool   // it may be registered as idle, because its wait for a wake-up failed
}

// nonceFor returns a new nonce for a claim or, if the worker's earlier claim got no answer, the nonce of that claim: the
// script then returns the same jobs again and removes the worker from idle. idle reports whether the worker may be
// registered as idle.
func (c *Client) nonceFor(worker string, n int) (nonce string, replay, idle bool) {
	if n == 0 {
		return "", false, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	left := c.leftovers[worker]
	if left.nonce != "" {
		return left.nonce, true, left.idle
	}
	return newNonce(), false, left.idle
}

// settle remembers a claim that got no answer, and forgets one that did.
func (c *Client) settle(worker string, n int, nonce string, err error) {
	if n == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.leftovers[worker] = leftover{nonce: nonce}
	} else {
		delete(c.leftovers, worker)
	}
}

// lingers remembers a worker that couldn't be removed from idle.
func (c *Client) lingers(w WorkerInfo) {
	c.mu.Lock()
	defer c.mu.Unlock()
	left := c.leftovers[w.key()]
	left.idle = true
	c.leftovers[w.key()] = left
}
