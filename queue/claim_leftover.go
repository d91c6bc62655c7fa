package queue

// leftover is what a worker's failed claim may have left in Redis.
type leftover struct {
	nonce string // of a claim whose answer never came: the next one asks for it again
	idle  bool   // it is registered as idle, where its wait for a wake-up broke
}

// nonceFor is a new nonce for a claim or, where an earlier claim of the worker got no answer, that one's: the script then
// gives the same jobs again and takes the worker out of idle. idle says that the worker may be registered as idle.
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

// settle remembers a claim that got no answer, and forgets it when it got one.
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

// lingers remembers a worker that couldn't be taken out of idle.
func (c *Client) lingers(w WorkerInfo) {
	c.mu.Lock()
	defer c.mu.Unlock()
	left := c.leftovers[w.key()]
	left.idle = true
	c.leftovers[w.key()] = left
}
