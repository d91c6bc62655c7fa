package standin

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/devcluster/child"
)

// client is the node's side: it runs the allocations that should run according to the store. It owns one runner per
// allocation.
type client struct {
	store  *store
	keeper *child.Keeper
	dir    string // parent folder of the allocations' folders
	tmp    string // TMPDIR of tasks that set none, or empty
	tokens *tokens
	listen func(path string) (stop func(), err error) // serves the Task API on a socket
	log    *slog.Logger

	ctx     context.Context // ends when the client must stop everything
	hurry   chan struct{}   // closed when stopping takes too long: kill timeouts are no longer awaited
	mu      sync.Mutex
	runners map[string]*allocRunner
	closed  bool
	wait    sync.WaitGroup
}

// sync brings one allocation's runner in line with the store. It may be called at any time and in any order.
func (c *client) sync(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var alloc *api.Allocation
	c.store.read(func() { alloc = c.store.allocs[id] })
	if alloc == nil || c.closed {
		return
	}
	r := c.runners[id]
	if r == nil {
		if alloc.ClientTerminalStatus() {
			return
		}
		r = newAllocRunner(c, alloc)
		c.runners[id] = r
		c.wait.Go(func() { r.run(c.ctx) })
	}
	if alloc.DesiredStatus == api.AllocDesiredStatusRun {
		r.setJob(alloc.Job)
	} else {
		r.stop()
	}
}

func (c *client) allocDir(id string) allocDir { return allocDir(filepath.Join(c.dir, id)) }

func (c *client) runner(id string) *allocRunner {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.runners[id]
}

// done drops a runner that has ended and frees its allocation's resources.
func (c *client) done(id string) {
	c.mu.Lock()
	delete(c.runners, id)
	c.mu.Unlock()
	if c.ctx.Err() == nil {
		c.store.ended(id)
	}
}

// close rejects new runners and waits for the existing ones. Cancel the client's context first.
func (c *client) close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.wait.Wait()
}

// ended reuses what an ended allocation has freed: first for its own job, then for jobs that wait.
func (s *store) ended(id string) {
	s.mustWrite(func(tx *txn) {
		a := tx.allocs[id]
		if a == nil {
			return
		}
		tx.touch(tableAllocs)
		k := jobKey{a.Namespace, a.JobID}
		if a.DesiredStatus == api.AllocDesiredStatusRun {
			tx.evaluate(k, "alloc-failure")
		} else {
			tx.setJobStatus(k)
		}
		tx.unblock()
	})
}

// allocDir is the folder with an allocation's files.
type allocDir string

func (d allocDir) shared() string             { return filepath.Join(string(d), "alloc") }
func (d allocDir) logs() string               { return filepath.Join(string(d), "alloc", "logs") }
func (d allocDir) task(name string) string    { return filepath.Join(string(d), name) }
func (d allocDir) local(name string) string   { return filepath.Join(string(d), name, "local") }
func (d allocDir) secrets(name string) string { return filepath.Join(string(d), name, "secrets") }
func (d allocDir) stdout(name string) string  { return filepath.Join(d.logs(), name+".stdout") }
func (d allocDir) stderr(name string) string  { return filepath.Join(d.logs(), name+".stderr") }

// build creates the same folders as Nomad.
func (d allocDir) build(tg *api.TaskGroup) error {
	for _, sub := range []string{"data", "logs", "tmp"} {
		if err := os.MkdirAll(filepath.Join(d.shared(), sub), 0o755); err != nil {
			return err
		}
	}
	for _, t := range tg.Tasks {
		for _, sub := range []string{d.local(t.Name), filepath.Join(d.task(t.Name), "tmp")} {
			if err := os.MkdirAll(sub, 0o755); err != nil {
				return err
			}
		}
		if err := os.MkdirAll(d.secrets(t.Name), 0o700); err != nil {
			return err
		}
	}
	return nil
}
