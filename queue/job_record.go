package queue

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/emprops/machinectl/hcl/wiretime"
	"github.com/emprops/machinectl/queue/internal/script"
)

// record is a job's record. Times are in milliseconds by Redis' clock, and 0 means none.
type record struct {
	id                    string // not in the record's text, but its key
	state                 State
	rev, ended, fence     int64
	nonce                 string
	machine, worker       string
	started               int64
	claimRev, progressRev int64
	attempts              int
	excluded, tenant      string
	deadline, timeout     int64
	has                   int64 // a sum: 1 for meta, 2 for parameters in bodies, hasLarge, 8 for a webhook
	class, order          string
	lost                  int
	ready                 int64
	reason                string
	maxAttempts           int
	created               int64
	idem                  string
}

// hasLarge marks a job whose parameters are too large for a script to return.
const hasLarge = 4

// recordField is one field of a record's text: its name in scripts, and where Go keeps it.
type recordField struct {
	name string
	in   func(*record) any // *State, *string, *int or *int64
}

// recordFields are the fields of a record's text in their order, for Go and for the scripts. Data in Redis has this order: a
// changed row needs another [formatVersion]. What changes with each attempt comes first, so that the quick script can take
// over the rest as it is.
var recordFields = []recordField{
	{"STATE", func(r *record) any { return &r.state }},
	{"REV", func(r *record) any { return &r.rev }},
	{"ENDED", func(r *record) any { return &r.ended }},
	{"FENCE", func(r *record) any { return &r.fence }},
	{"NONCE", func(r *record) any { return &r.nonce }},
	{"MACHINE", func(r *record) any { return &r.machine }},
	{"WORKER", func(r *record) any { return &r.worker }},
	{"STARTED", func(r *record) any { return &r.started }},
	{"CLAIM_REV", func(r *record) any { return &r.claimRev }},
	{"PROGRESS_REV", func(r *record) any { return &r.progressRev }},
	{"ATTEMPTS", func(r *record) any { return &r.attempts }},
	{"EXCLUDED", func(r *record) any { return &r.excluded }},
	{"TENANT", func(r *record) any { return &r.tenant }},
	{"DEADLINE", func(r *record) any { return &r.deadline }},
	{"TIMEOUT", func(r *record) any { return &r.timeout }},
	{"HAS", func(r *record) any { return &r.has }},
	{"CLASS", func(r *record) any { return &r.class }},
	{"ORDER", func(r *record) any { return &r.order }},
	{"LOST", func(r *record) any { return &r.lost }},
	{"READY", func(r *record) any { return &r.ready }},
	{"REASON", func(r *record) any { return &r.reason }},
	{"MAX_ATTEMPTS", func(r *record) any { return &r.maxAttempts }},
	{"CREATED", func(r *record) any { return &r.created }},
	{"IDEM", func(r *record) any { return &r.idem }},
}

// scriptFields returns the [recordFields] as the scripts' loader takes them.
func scriptFields() []script.Field {
	out := make([]script.Field, len(recordFields))
	for i, f := range recordFields {
		out[i].Name = f.name
		switch f.in(&record{}).(type) {
		case *State:
			out[i].Kind = script.Letter
		case *string:
			out[i].Kind = script.Text
		default:
			out[i].Kind = script.Number
		}
	}
	return out
}

// stateOf returns the state that a record's letter stands for.
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

// parseRecord reads the text of a job's record.
func parseRecord(id, text string) (*record, error) {
	if n := strings.Count(text, "\t") + 1; n != len(recordFields) {
		return nil, fmt.Errorf("queue: the record of job %s has %d fields, this program reads %d", id, n, len(recordFields))
	}
	r := &record{id: id}
	for _, f := range recordFields {
		var value string
		value, text, _ = strings.Cut(text, "\t")
		if err := setField(f.in(r), value); err != nil {
			return nil, fmt.Errorf("queue: the record of job %s, field %s: %w", id, f.name, err)
		}
	}
	return r, nil
}

func setField(field any, value string) (err error) {
	var n int64
	switch field := field.(type) {
	case *State:
		*field = stateOf(value)
	case *string:
		*field = value
	case *int:
		n, err = strconv.ParseInt(value, 10, 64)
		*field = int(n)
	case *int64:
		*field, err = strconv.ParseInt(value, 10, 64)
	}
	return err //nolint:wrapcheck // the caller names the field
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

// extra holds what only some submissions have. It is stored separately from the record.
type extra struct {
	Webhook   string            `json:"w,omitempty"`
	Metadata  map[string]string `json:"m,omitempty"`
	NotBefore int64             `json:"n,omitempty"`
	Deadline  int64             `json:"d,omitempty"` // as submitted with an idempotency key: a requeue clears the record's
}

// job returns the public form of a record. meta and details may be empty.
func (r *record) job(meta string, details map[string]string) (*Job, error) {
	j := &Job{
		ID: r.id, Type: typeOf(r.id), State: r.state, Class: r.class, Priority: r.priority(),
		Timeout: wiretime.Duration(time.Duration(r.timeout) * time.Millisecond), MaxAttempts: r.maxAttempts,
		Attempts: r.attempts, LostLeases: r.lost, Tenant: r.tenant, CreatedAt: fromMillis(r.created),
		Deadline: optionalTime(r.deadline), StartedAt: optionalTime(r.started), EndedAt: optionalTime(r.ended),
		Machine: r.machine, Worker: r.worker, Revision: r.rev,
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
