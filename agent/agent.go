package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/emprops/machinectl/agent/blob"
	"github.com/emprops/machinectl/agent/connector"
	"github.com/emprops/machinectl/agent/gpu"
	"github.com/emprops/machinectl/hcl/manifest"
	"github.com/emprops/machinectl/nettext"
	"github.com/emprops/machinectl/queue"
)

// How long a stopping agent may take after the grace time: for connectors to return and their jobs to be released, for
// unregistering, and for the health server's last requests. The sum is below the 5 s that the compiler adds to the grace in
// the task's kill_timeout.
const (
	settleGrace     = 3 * time.Second
	unregisterGrace = time.Second
	readersGrace    = 500 * time.Millisecond
)

// agent is a running agent.
type agent struct {
	o        Options
	log      *slog.Logger
	queue    client
	store    *blob.Store // nil: none
	book     *book
	link     *link
	workers  []*worker
	services []*service
	watch    *gpu.Reader
	reporter *reporter
	addr     string // of the health server, as reported

	mu          sync.Mutex
	startedAt   time.Time
	readyAt     *time.Time
	revision    int64
	stopping    bool
	draining    bool
	drainReason string
	gpus        []queue.GPUStatus
	gpuNote     string
}

// Run runs the agent until ctx ends, then shuts it down in the order that the package documentation gives. It returns an
// error only if the agent could not start: later errors are retried, reported and logged.
func Run(ctx context.Context, o Options) error {
	o = o.defaults()
	if err := o.validate(); err != nil {
		return err
	}
	a, err := prepare(ctx, o)
	if err != nil {
		return err
	}
	defer a.watch.Close()
	listener, err := listen(ctx, o.Listen, o.Fallback)
	if err != nil {
		return fmt.Errorf("health server: %w", nettext.Explain(err))
	}
	a.addr = o.Advertise
	if a.addr == "" {
		a.addr = listener.Addr().String()
	}
	defer a.serve(listener)()
	a.log.Info("agent started", "version", o.Version, "health", listener.Addr(), "workers", len(a.workers))
	if o.Started != nil {
		o.Started(listener.Addr().String())
	}
	if a.queue, err = a.connect(ctx); err != nil {
		return nil // stopped before the queue was open: there are no jobs to release
	}
	defer a.queue.Close()
	a.work(ctx)
	a.log.Info("agent stopped")
	return nil
}

// prepare creates everything that can fail because of a wrong profile.
func prepare(ctx context.Context, o Options) (*agent, error) {
	a := &agent{o: o, log: o.Logger.With("machine", o.ID), startedAt: time.Now().UTC(), watch: gpu.Open()}
	a.reporter = newReporter(a)
	a.book = newBook(a.reporter.touch)
	a.link = newLink(a.linkChanged)
	if o.Spec.Blobs != "" {
		store, err := blob.Open(ctx, o.Spec.Blobs)
		if err != nil {
			return nil, err
		}
		a.store = store
	}
	served := map[string][]*worker{}
	instances := map[string]manifest.Service{}
	for _, s := range o.Spec.Services {
		instances[s.Name] = s
	}
	for _, ws := range o.Spec.Workers {
		instance, ok := instances[ws.Service]
		if !ok {
			instance.GPU = -1
		}
		w := &worker{
			spec: ws, a: a, gpu: instance.GPU, gate: newGate(a.reporter.touch), slots: make(chan struct{}, ws.Concurrency),
			log:  a.log.With("worker", ws.Name),
			info: queue.WorkerInfo{Machine: o.ID, Index: o.Index, Name: ws.Name, Offer: ws.Offer},
		}
		made, err := o.Connectors[ws.Connector](connector.Config{Worker: ws, Addr: o.Addrs[instance.Port], Logger: w.log})
		if err != nil {
			return nil, err
		}
		w.connector = made
		a.workers = append(a.workers, w)
		served[ws.Service] = append(served[ws.Service], w)
	}
	for _, s := range o.Spec.Services {
		a.services = append(a.services, newService(s, o.Addrs[s.Port], served[s.Name], a.reporter.touch))
	}
	return a, nil
}

// connect opens the queue, however long that takes. Its only error is ctx's.
func (a *agent) connect(ctx context.Context) (client, error) {
	retry := newBackOff()
	o := a.o.Queue
	o.URL, o.Logger = a.o.Spec.Redis, a.log
	for {
		q, err := a.open(ctx, o)
		if err == nil {
			return q, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		a.link.refuse(err)
		a.log.Warn("cannot open the queue", "error", err)
		pause(ctx, retry.NextBackOff())
	}
}

// open opens the queue and releases the jobs of a previous agent of this machine, which must have died.
func (a *agent) open(ctx context.Context, o queue.Options) (client, error) {
	q, err := queue.Open(ctx, o)
	if err != nil {
		return nil, err
	}
	n, err := q.Forfeit(ctx, a.o.ID)
	if err != nil {
		return nil, errors.Join(err, q.Close())
	}
	if n > 0 {
		a.log.Warn("jobs of a previous agent released", "jobs", n)
	}
	return q, nil
}

// work runs all loops until ctx ends, and then steps 1 to 6 of shutting down.
func (a *agent) work(ctx context.Context) {
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	var upkeep, claiming sync.WaitGroup
	for _, s := range a.services {
		upkeep.Go(func() { s.watch(life) })
	}
	upkeep.Go(func() { a.watchGPUs(life) })
	upkeep.Go(func() { a.heartbeat(life) })
	upkeep.Go(func() { a.cancels(life) })
	upkeep.Go(func() { a.reporter.loop(life) })
	settling, giveUp := context.WithCancel(life)
	defer giveUp()
	for _, w := range a.workers {
		claiming.Go(func() { w.loop(ctx, settling) })
	}
	<-ctx.Done()

	a.log.Info("stopping", "grace", a.o.Spec.Grace, "running", len(a.book.leases()))
	a.setStopping()
	done := make(chan struct{})
	go func() {
		defer close(done)
		claiming.Wait()
		for _, w := range a.workers {
			w.attempts.Wait()
		}
	}()
	if !within(done, a.o.Spec.Grace.D()) {
		a.log.Info("grace over, releasing jobs", "running", len(a.book.leases()))
		a.book.endAll(errStopping)
		if !within(done, settleGrace) {
			a.log.Error("jobs left to their leases", "leases", a.book.leases())
		}
	}
	giveUp()
	end()
	upkeep.Wait()
	a.unregister(context.WithoutCancel(ctx))
}

// unregister removes the workers' registrations and the machine's record from the queue.
func (a *agent) unregister(ctx context.Context) {
	ctx, done := context.WithTimeout(ctx, unregisterGrace)
	defer done()
	for _, w := range a.workers {
		if err := a.queue.Unregister(ctx, a.o.ID, w.spec.Name); err != nil {
			a.log.Warn("cannot unregister a worker", "worker", w.spec.Name, "error", err)
		}
	}
	if err := a.queue.RemoveMachine(ctx, a.o.ID); err != nil {
		a.log.Warn("cannot remove the machine's record", "error", err)
	}
}

// within waits for done, at most d, and reports whether it was closed.
func within(done <-chan struct{}, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-done:
		return true
	case <-t.C:
		return false
	}
}

// files returns the destination of an attempt's files.
func (a *agent) files(l queue.Lease) connector.Files {
	if a.store == nil {
		return noStore{}
	}
	return a.store.Attempt(l.JobID, l.Fence)
}

func (a *agent) setStopping() {
	a.mu.Lock()
	a.stopping = true
	a.mu.Unlock()
	a.reporter.touch()
}

func (a *agent) setDraining(draining bool, reason string) {
	a.mu.Lock()
	changed := a.draining != draining || a.drainReason != reason
	a.draining, a.drainReason = draining, reason
	a.mu.Unlock()
	if changed {
		a.log.Info("drain changed", "draining", draining, "reason", reason)
		a.reporter.touch()
	}
}

// linkChanged is called when the queue becomes reachable or unreachable. A queue that comes back may have lost the workers'
// registrations.
func (a *agent) linkChanged(up bool) {
	a.log.Info("queue reachability changed", "reachable", up)
	if up {
		for _, w := range a.workers {
			w.forget()
		}
	}
	a.reporter.touch()
}

// listen listens on addr, or on fallback if addr doesn't belong to this network namespace.
func listen(ctx context.Context, addr, fallback string) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	if err != nil && fallback != "" {
		if l, second := lc.Listen(ctx, "tcp", fallback); second == nil {
			return l, nil
		}
	}
	return l, err
}
