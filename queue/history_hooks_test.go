package queue_test

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/emprops/machinectl/queue"
)

// webhooks is what a history knows of the announcements of its jobs' ends.
type webhooks struct {
	requeued map[string]int            // job → how often it was requeued
	attempts map[string]int            // event → attempts
	arrived  map[string][]queue.JobEnd // job → delivered ends, in order of arrival
	held     []queue.HeldDelivery      // taken, and never recorded by a dispatcher that died
}

func newWebhooks() webhooks {
	return webhooks{requeued: map[string]int{}, attempts: map[string]int{}, arrived: map[string][]queue.JobEnd{}}
}

// deliver is one pass of a dispatcher: it files ends, takes some deliveries, and loses some of them.
func (h *history) deliver() error {
	if _, err := h.c.FileEnds(h.ctx, 1+h.rnd.IntN(200)); err != nil {
		return err
	}
	hosts, err := h.c.DueHosts(h.ctx, 10)
	if err != nil {
		return err
	}
	for _, at := range hosts {
		taken, err := h.c.TakeDeliveries(h.ctx, at, 1+h.rnd.IntN(5), 5*time.Millisecond)
		if err != nil {
			return err
		}
		for _, d := range taken {
			h.notef("deliver %s, attempt %d", d.Event, d.Delivery.Attempts+1)
			h.attempts[d.Event]++
			switch h.rnd.IntN(4) {
			case 0:
				h.webhooks.held = append(h.webhooks.held, d)
				continue
			case 1:
				err = h.c.RecordDelivery(h.ctx, d, &queue.DeliveryAttempt{At: time.Now(), Problem: "x"}, queue.Outcome{After: time.Millisecond})
			default:
				err = h.record(d)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// record records a successful attempt. A dispatcher that was too slow is told so, and another one delivers again.
func (h *history) record(d queue.HeldDelivery) error {
	err := h.c.RecordDelivery(h.ctx, d, &queue.DeliveryAttempt{At: time.Now(), Status: 200}, queue.Outcome{})
	if errors.Is(err, queue.ErrStale) {
		return nil
	}
	if err == nil {
		h.arrived[d.JobID] = append(h.arrived[d.JobID], d.JobEnd)
	}
	return err
}

// late is a dispatcher that records an attempt long after it took the delivery.
func (h *history) late() error {
	if len(h.webhooks.held) == 0 {
		return nil
	}
	i := h.rnd.IntN(len(h.webhooks.held))
	d := h.webhooks.held[i]
	h.webhooks.held = slices.Delete(h.webhooks.held, i, i+1)
	return h.record(d)
}

// checkWebhooks checks, when all jobs have ended, that each end of a job with a webhook was announced once and in order.
func (h *history) checkWebhooks(jobs map[string]queue.Job) {
	for until := time.Now().Add(30 * time.Second); ; _ = sleepFor(h.ctx, 2*time.Millisecond) {
		if err := h.deliver(); err != nil {
			h.failf("deliver: %v", err)
			return
		}
		missing := ""
		for _, j := range jobs {
			if ends := h.arrived[j.ID]; j.Webhook != "" && len(ends) < 1+h.requeued[j.ID] {
				missing = fmt.Sprintf("%s, which is %s and was requeued %d times, was announced %d times", j.ID, j.State, h.requeued[j.ID], len(ends))
			}
		}
		if missing == "" {
			break
		}
		if time.Now().After(until) {
			h.failf("%s", missing)
			return
		}
	}
	for _, j := range jobs {
		ends := h.arrived[j.ID]
		if j.Webhook == "" && len(ends) > 0 || j.Webhook != "" && len(ends) != 1+h.requeued[j.ID] {
			h.failf("%s, webhook %q, requeued %d times, was announced by %v", j.ID, j.Webhook, h.requeued[j.ID], ends)
			return
		}
		last := int64(0)
		for _, e := range ends {
			rev, err := strconv.ParseInt(strings.TrimPrefix(e.Event, j.ID+"-"), 10, 64)
			if err != nil || rev <= last || !e.State.Final() || e.URL != j.Webhook {
				h.failf("%s was announced by %+v after revision %d, %v", j.ID, e, last, err)
			}
			last = rev
		}
		if len(ends) > 0 && ends[len(ends)-1].State != j.State {
			h.failf("%s is %s, its last announcement says %s", j.ID, j.State, ends[len(ends)-1].State)
		}
	}
}
