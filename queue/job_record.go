package queue

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/emprops/machinectl/hcl/wiretime"
)

// record is a job's record as the scripts keep it; lib_record.lua names the fields in this order.
type record struct {
	id                    string
	state                 State
	rev, ended, fence     int64
	nonce                 string
	machine, worker       string
	started               int64
	claimRev, progressRev int64
	attempts              int
	excluded, tenant      string
	deadline, timeout     int64
	has                   int64
	class, order          string
	lost                  int
	ready                 int64
	reason                string
	maxAttempts           int
	created               int64
	idem                  string
}

const recordFields = 24

// stateOf translates a record's letter into the state.
func stateOf(letter string) State {
	switch letter {
	case "w":
		return Waiting
	case "d":
		return Delayed
	case "r":
		return Running
	case "c":
		return Completed
	case "f":
		return Failed
	case "x":
		return Dead
	case "k":
		return Cancelled
	}
	return State("unknown " + letter)
}

func parseRecord(id, s string) (*record, error) {
	f := strings.SplitN(s, "\t", recordFields)
	if len(f) != recordFields {
		return nil, fmt.Errorf("queue: the record of job %s has %d fields, this program reads %d", id, len(f), recordFields)
	}
	var bad error
	n := func(i int) int64 {
		v, err := strconv.ParseInt(f[i], 10, 64)
		if err != nil && bad == nil {
			bad = fmt.Errorf("queue: the record of job %s, field %d: %w", id, i+1, err)
		}
		return v
	}
	r := &record{
		id: id, state: stateOf(f[0]), rev: n(1), ended: n(2), fence: n(3), nonce: f[4], machine: f[5], worker: f[6], started: n(7),
		claimRev: n(8), progressRev: n(9), attempts: int(n(10)), excluded: f[11], tenant: f[12], deadline: n(13), timeout: n(14),
		has: n(15), class: f[16], order: f[17], lost: int(n(18)), ready: n(19), reason: f[20], maxAttempts: int(n(21)),
		created: n(22), idem: f[23],
	}
	return r, bad
}

func (r *record) priority() int {
	if len(r.order) < 2 {
		return 0
	}
	n, err := strconv.ParseUint(r.order[:2], 16, 8)
	if err != nil {
		return 0
	}
	return MaxPriority - int(n)
}

func (r *record) lease() Lease {
	return Lease{JobID: r.id, Machine: r.machine, Worker: r.worker, Fence: r.fence, Nonce: r.nonce}
}

// extra is what only some submissions have, kept apart from the record.
type extra struct {
	Webhook   string            `json:"w,omitempty"`
	Metadata  map[string]string `json:"m,omitempty"`
	NotBefore int64             `json:"n,omitempty"`
	Deadline  int64             `json:"d,omitempty"` // as submitted, beside an idempotency key: a requeue ends the record's
}

// job builds the public form; meta and details may be empty.
func (r *record) job(meta string, details map[string]string) (*Job, error) {
	j := &Job{
		ID: r.id, Type: typeOf(r.id), State: r.state, Class: r.class, Priority: r.priority(),
		Timeout: wiretime.Duration(time.Duration(r.timeout) * time.Millisecond), MaxAttempts: r.maxAttempts,
		Attempts: r.attempts, LostLeases: r.lost, Tenant: r.tenant, CreatedAt: fromMillis(r.created),
		Deadline: optionalTime(r.deadline), StartedAt: optionalTime(r.started), EndedAt: optionalTime(r.ended),
		Machine: r.machine, Worker: r.worker,
	}
	if meta != "" {
		var e extra
		if err := json.Unmarshal([]byte(meta), &e); err != nil {
			return nil, fmt.Errorf("queue: job %s: meta: %w", r.id, err)
		}
		j.Webhook, j.Metadata, j.NotBefore = e.Webhook, e.Metadata, optionalTime(e.NotBefore)
		j.deadline = optionalTime(e.Deadline)
	}
	if err := r.addDetails(j, details); err != nil {
		return nil, err
	}
	if j.Error == nil || r.reason == "lost" || r.reason == "deadline" {
		if f := r.verdict(); f != nil {
			j.Error = f
		}
	}
	return j, nil
}

// verdict explains an ending that no attempt's failure explains.
func (r *record) verdict() *Failure {
	switch {
	case r.state == Cancelled:
		return &Failure{Code: "cancelled", Message: orElse(r.reason, "cancelled")}
	case r.state == Dead && r.reason == "lost":
		return &Failure{Code: "lost", Message: fmt.Sprintf("%d machines went silent while they ran this job, the last was %s", r.lost, r.machine)}
	case r.state == Dead && r.reason == "deadline":
		return &Failure{Code: "deadline", Message: "the deadline passed before a worker could start the job"}
	}
	return nil
}

func (r *record) addDetails(j *Job, details map[string]string) error {
	for name, target := range map[string]any{"progress": &j.Progress, "result": &j.Result, "error": &j.Error} {
		if s := details[name]; s != "" {
			if err := json.Unmarshal([]byte(s), target); err != nil {
				return fmt.Errorf("queue: job %s: %s: %w", r.id, name, err)
			}
		}
	}
	if r.progressRev == 0 && r.state == Running {
		j.Progress = nil // an earlier attempt's
	}
	attempts, err := r.attemptsOf(details)
	if err != nil {
		return err
	}
	for _, a := range attempts {
		j.History = append(j.History, a.Attempt)
	}
	return nil
}

// pastAttempt is an ended attempt and the revisions of its events.
type pastAttempt struct {
	Attempt
	fence, claimRev, endRev int64
}

// attemptsOf reads the ended attempts, oldest first. A completed job's last one is in the record itself.
func (r *record) attemptsOf(details map[string]string) ([]pastAttempt, error) {
	var out []pastAttempt
	for name, s := range details {
		if name[0] != 'a' {
			continue
		}
		fence, err := strconv.ParseInt(name[1:], 10, 64)
		f := strings.SplitN(s, "\t", 8)
		if err != nil || len(f) != 8 {
			return nil, fmt.Errorf("queue: job %s: attempt %q can't be read", r.id, name)
		}
		p := pastAttempt{fence: fence, claimRev: parseMillis(f[5]), endRev: parseMillis(f[6])}
		p.Attempt = Attempt{Outcome: f[0], Machine: f[1], Worker: f[2], StartedAt: fromMillis(parseMillis(f[3])), EndedAt: fromMillis(parseMillis(f[4]))}
		if f[0] == "failed" && f[7] != "" {
			if err := json.Unmarshal([]byte(f[7]), &p.Error); err != nil {
				return nil, fmt.Errorf("queue: job %s: attempt %q: %w", r.id, name, err)
			}
		}
		out = append(out, p)
	}
	if r.state == Completed {
		out = append(out, pastAttempt{fence: r.fence, claimRev: r.claimRev, endRev: r.rev, Attempt: Attempt{
			Machine: r.machine, Worker: r.worker, Outcome: string(Completed), StartedAt: fromMillis(r.started), EndedAt: fromMillis(r.ended),
		}})
	}
	slices.SortFunc(out, func(a, b pastAttempt) int { return int(a.fence - b.fence) })
	return out, nil
}

func parseMillis(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func fromMillis(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

func optionalTime(ms int64) *time.Time {
	if ms == 0 {
		return nil
	}
	t := fromMillis(ms)
	return &t
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
