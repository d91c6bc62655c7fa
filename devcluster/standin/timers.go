package standin

import (
	"sync"
	"time"
)

// timers evaluates jobs at a later time, because a failed allocation may be rescheduled only after its delay.
type timers struct {
	mu      sync.Mutex
	byJob   map[jobKey]*time.Timer
	stopped bool
	running sync.WaitGroup
	fire    func(jobKey)
}

func newTimers(fire func(jobKey)) *timers {
	return &timers{byJob: map[jobKey]*time.Timer{}, fire: fire}
}

// at schedules a job's evaluation, replacing an earlier schedule of the same job.
func (t *timers) at(k jobKey, when time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stopped {
		return
	}
	if old := t.byJob[k]; old != nil {
		old.Stop()
	}
	var timer *time.Timer
	timer = time.AfterFunc(time.Until(when), func() {
		t.mu.Lock()
		if t.stopped || t.byJob[k] != timer { // replaced meanwhile
			t.mu.Unlock()
			return
		}
		delete(t.byJob, k)
		t.running.Add(1)
		t.mu.Unlock()
		defer t.running.Done()
		t.fire(k)
	})
	t.byJob[k] = timer
}

// stop cancels all scheduled evaluations and waits for those in progress.
func (t *timers) stop() {
	t.mu.Lock()
	t.stopped = true
	for _, timer := range t.byJob {
		timer.Stop()
	}
	t.mu.Unlock()
	t.running.Wait()
}
