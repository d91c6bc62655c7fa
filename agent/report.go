package agent

import (
	"bytes"
	"context"
	"os"
	"strconv"
	"time"

	"github.com/emprops/machinectl/queue"
)

// coalesce is how long a report waits for further changes, so that a burst of them is one report.
const coalesce = 100 * time.Millisecond

// reporter sends the machine's status to the queue, regularly and soon after each change.
type reporter struct {
	a     *agent
	dirty chan struct{}
}

func newReporter(a *agent) *reporter {
	return &reporter{a: a, dirty: make(chan struct{}, 1)}
}

// touch requests a report. It never blocks.
func (r *reporter) touch() {
	select {
	case r.dirty <- struct{}{}:
	default:
	}
}

// loop reports until life ends. A report that can't be sent is dropped: the next one supersedes it.
func (r *reporter) loop(life context.Context) {
	tick := time.NewTicker(r.a.o.ReportEvery)
	defer tick.Stop()
	for {
		r.send(life)
		select {
		case <-life.Done():
			return
		case <-tick.C:
		case <-r.dirty:
			pause(life, coalesce)
			select {
			case <-r.dirty:
			default:
			}
		}
	}
}

func (r *reporter) send(life context.Context) {
	ctx, done := context.WithTimeout(life, 10*time.Second)
	defer done()
	err := r.a.queue.ReportMachine(ctx, r.a.status())
	r.a.link.note(life, err)
	if err != nil && life.Err() == nil {
		r.a.log.Debug("status report failed", "error", err)
	}
}

// status returns the machine's report as of now.
func (a *agent) status() queue.Machine {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.revision++
	m := queue.Machine{
		ID: a.o.ID, Pool: a.o.Spec.Pool, Namespace: a.o.Namespace, Region: a.o.Region, Group: a.o.Group, Index: a.o.Index, Node: a.o.Node, Kind: a.o.Spec.Kind,
		Version: a.o.Version, Addr: a.addr, Revision: a.revision, State: queue.MachineStarting,
		GPUs: a.gpus, GPUNote: a.gpuNote, RSS: residentMemory(), StartedAt: a.startedAt,
	}
	open := false
	for _, w := range a.workers {
		s := w.status(a.draining, a.stopping)
		open = open || s.Reason == ""
		if s.Reason != "" && m.Reason == "" {
			m.Reason = s.Name + ": " + s.Reason
		}
		m.Workers = append(m.Workers, s)
	}
	for _, s := range a.services {
		m.Services = append(m.Services, s.status())
	}
	switch {
	case a.stopping:
		m.State, m.Reason = queue.MachineStopping, errStopping.Error()
	case a.draining:
		m.State, m.Reason = queue.MachineDraining, a.drainReason
	case open:
		m.State = queue.MachineReady
		if a.readyAt == nil {
			now := time.Now().UTC()
			a.readyAt = &now
		}
	}
	m.ReadyAt = a.readyAt
	m.At = time.Now().UTC() // the queue replaces it with its own clock's time
	return m
}

// residentMemory returns this process's resident memory in bytes, or 0 if /proc doesn't have it.
func residentMemory() int64 {
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := bytes.Fields(statm)
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(string(fields[1]), 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}
