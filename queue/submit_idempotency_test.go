package queue_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/capability"
	"github.com/emprops/machinectl/hcl/wiretime"
	"github.com/emprops/machinectl/queue"
	"github.com/emprops/machinectl/queue/queuetest"
)

func openQueue(t *testing.T, server *queuetest.Redis, change func(*queue.Options)) *queue.Client {
	t.Helper()
	o := queue.Options{URL: server.URL}
	if change != nil {
		change(&o)
	}
	c, err := queue.Open(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

// first returns a submission with every field set.
func first() queue.Submission {
	priority := 70
	later, end := time.Now().Add(time.Hour).Truncate(time.Millisecond).Add(123*time.Microsecond), time.Now().Add(48*time.Hour)
	return queue.Submission{
		Type: "sim", Capabilities: []string{"gpu", "fast"}, Requires: map[string]any{"gpu.memory": ">=24GiB", "model": []any{"a", "b"}},
		Parameters: json.RawMessage(`{"seed": 12345678901234567890, "steps": 30, "text": "a\u00e4", "list": [1, 2.50, {"x": null}]}`),
		Priority:   &priority, Timeout: wiretime.Duration(90 * time.Second), MaxAttempts: 5, NotBefore: &later, Deadline: &end,
		Tenant: "acme", IdempotencyKey: "k", Metadata: map[string]string{"user": "u"},
	}
}

// A repetition with the same meaning returns the same job. Any other submission under the key is a conflict that names
// the differences.
func TestAnIdempotencyKeyStandsForOneJob(t *testing.T) {
	t.Parallel()
	c := openQueue(t, queuetest.StartRedis(t), nil)
	original := first()
	job, err := c.Submit(t.Context(), original)
	require.NoError(t, err)
	require.False(t, job.Repeated)

	type change struct {
		name   string
		fields []string
		change func(*queue.Submission)
	}
	same := []change{
		{"nothing", nil, func(*queue.Submission) {}},
		{"order of capabilities", nil, func(s *queue.Submission) { s.Capabilities = []string{"fast", "gpu"} }},
		{"another unit", nil, func(s *queue.Submission) { s.Requires["gpu.memory"] = ">= 24576MiB" }},
		{"order of keys, numbers, escapes, white space", nil, func(s *queue.Submission) {
			s.Parameters = json.RawMessage(` {"list":[1.0,25e-1,{"x":null}],"text":"\u0061ä","steps":3e1,"seed":12345678901234567890.000} `)
		}},
		{"below a millisecond", nil, func(s *queue.Submission) { v := s.NotBefore.Truncate(time.Millisecond); s.NotBefore = &v }},
		{"another zone", nil, func(s *queue.Submission) { v := s.Deadline.In(time.FixedZone("x", 3600)); s.Deadline = &v }},
		{"durable is not a part of the job", nil, func(*queue.Submission) {}},
	}
	differs := []change{
		{"parameters", []string{"parameters"}, func(s *queue.Submission) { s.Parameters = json.RawMessage(`{"seed": 1}`) }},
		{"one digit beyond a double", []string{"parameters"}, func(s *queue.Submission) {
			s.Parameters = json.RawMessage(`{"seed": 12345678901234567891, "steps": 30, "text": "a\u00e4", "list": [1, 2.50, {"x": null}]}`)
		}},
		{"a number as text", []string{"parameters"}, func(s *queue.Submission) {
			s.Parameters = json.RawMessage(`{"seed": 12345678901234567890, "steps": "30", "text": "a\u00e4", "list": [1, 2.50, {"x": null}]}`)
		}},
		{"order of a list", []string{"parameters"}, func(s *queue.Submission) {
			s.Parameters = json.RawMessage(`{"seed": 12345678901234567890, "steps": 30, "text": "a\u00e4", "list": [2.50, 1, {"x": null}]}`)
		}},
		{"no parameters", []string{"parameters"}, func(s *queue.Submission) { s.Parameters = nil }},
		{"capabilities", []string{"capabilities"}, func(s *queue.Submission) { s.Capabilities = []string{"gpu"} }},
		{"requires", []string{"requires"}, func(s *queue.Submission) { s.Requires["gpu.memory"] = ">=25GiB" }},
		{"both", []string{"capabilities", "requires"}, func(s *queue.Submission) { s.Capabilities, s.Requires = nil, nil }},
		{"priority", []string{"priority"}, func(s *queue.Submission) { s.Priority = nil }},
		{"timeout", []string{"timeout"}, func(s *queue.Submission) { s.Timeout = 0 }},
		{"max_attempts", []string{"max_attempts"}, func(s *queue.Submission) { s.MaxAttempts = 0 }},
		{"not_before", []string{"not_before"}, func(s *queue.Submission) { s.NotBefore = nil }},
		{"deadline", []string{"deadline"}, func(s *queue.Submission) { v := s.Deadline.Add(time.Second); s.Deadline = &v }},
		{"metadata", []string{"metadata"}, func(s *queue.Submission) { s.Metadata = map[string]string{"user": "v"} }},
		{"type", []string{"type"}, func(s *queue.Submission) { s.Type = "other" }},
		{"type and priority", []string{"type", "priority"}, func(s *queue.Submission) { v := 1; s.Type, s.Priority = "other", &v }},
	}
	check := func(t *testing.T) {
		t.Helper()
		for _, tc := range slices.Concat(same, differs) {
			s := first()
			s.NotBefore, s.Deadline = original.NotBefore, original.Deadline
			tc.change(&s)
			for how, submit := range map[string]func() (*queue.Job, error){
				"single": func() (*queue.Job, error) { return c.Submit(t.Context(), s) },
				"batch": func() (*queue.Job, error) {
					jobs, err := c.SubmitBatch(t.Context(), []queue.Submission{{Type: "bystander"}, s})
					if err != nil {
						require.Empty(t, jobs, "a batch in conflict is refused as a whole")
						return nil, err
					}
					return jobs[1], nil
				},
			} {
				again, err := submit()
				if len(tc.fields) == 0 {
					require.NoError(t, err, "%s, %s", tc.name, how)
					require.Equal(t, job.ID, again.ID, "%s, %s", tc.name, how)
					require.True(t, again.Repeated, "%s, %s", tc.name, how)
					continue
				}
				var conflict *queue.ConflictError
				require.ErrorAs(t, err, &conflict, "%s, %s", tc.name, how)
				require.Equal(t, tc.fields, conflict.Fields, "%s, %s", tc.name, how)
				require.Equal(t, job.ID, conflict.JobID)
				if how == "batch" {
					require.Equal(t, "jobs[1]."+tc.fields[0], conflict.Field())
				}
			}
		}
	}
	t.Run("waiting", check)
	_, err = c.Cancel(t.Context(), job.ID, "x")
	require.NoError(t, err)
	t.Run("ended", check)
	_, err = c.Requeue(t.Context(), job.ID)
	require.NoError(t, err)
	t.Run("requeued", check)
	other, err := c.Submit(t.Context(), queue.Submission{Type: "sim", Tenant: "another", IdempotencyKey: "k"})
	require.NoError(t, err)
	require.NotEqual(t, job.ID, other.ID, "another tenant's key is another key")
	for _, unkeyed := range []string{"", "x"} {
		s := first()
		s.IdempotencyKey = unkeyed
		other, err := c.Submit(t.Context(), s)
		require.NoError(t, err)
		require.NotEqual(t, job.ID, other.ID)
	}
}

// Null parameters are not parameters.
func TestNullParameters(t *testing.T) {
	t.Parallel()
	c := openQueue(t, queuetest.StartRedis(t), nil)
	for _, parameters := range []string{"null", " null ", ""} {
		job, err := c.Submit(t.Context(), queue.Submission{Type: "sim", IdempotencyKey: "k", Parameters: json.RawMessage(parameters)})
		require.NoError(t, err)
		require.Equal(t, parameters != "null", job.Repeated, "%q", parameters)
		require.Empty(t, job.Parameters)
	}
}

// Parameters that no agent could read are refused at once.
func TestUnreadableParameters(t *testing.T) {
	t.Parallel()
	c := openQueue(t, queuetest.StartRedis(t), nil)
	for parameters, want := range map[string]string{`{"a": "\xff"}`: "are not UTF-8", "\xef\xbb\xbf{}": "are not JSON", `{"a": NaN}`: "are not JSON", `{} {}`: "are not JSON"} {
		_, err := c.Submit(t.Context(), queue.Submission{Type: "sim", Parameters: json.RawMessage(strings.ReplaceAll(parameters, `\xff`, "\xff"))})
		var invalid *queue.InvalidError
		require.ErrorAs(t, err, &invalid, "%q", parameters)
		require.Equal(t, queue.InvalidError{Field: "parameters", Problem: want}, *invalid)
	}
}

// Within one batch a key also stands for one job, and a conflict rejects the whole batch.
func TestOneKeyTwiceInABatch(t *testing.T) {
	t.Parallel()
	c := openQueue(t, queuetest.StartRedis(t), nil)
	a, b := queue.Submission{Type: "sim", IdempotencyKey: "k"}, queue.Submission{Type: "sim", IdempotencyKey: "k"}
	b.MaxAttempts = 7
	_, err := c.SubmitBatch(t.Context(), []queue.Submission{a, {Type: "sim"}, b})
	var conflict *queue.ConflictError
	require.ErrorAs(t, err, &conflict)
	require.Equal(t, "jobs[2].max_attempts", conflict.Field())
	require.Equal(t, "jobs[0] of this batch", conflict.JobID)
	other := a
	other.Type = "other"
	_, err = c.SubmitBatch(t.Context(), []queue.Submission{a, other})
	require.ErrorAs(t, err, &conflict)
	require.Equal(t, "jobs[1].type", conflict.Field())
	list, _, err := c.List(t.Context(), queue.ListFilter{})
	require.NoError(t, err)
	require.Empty(t, list, "nothing was taken in")
	jobs, err := c.SubmitBatch(t.Context(), []queue.Submission{a, a})
	require.NoError(t, err)
	require.Equal(t, jobs[0].ID, jobs[1].ID)
	require.Equal(t, []bool{false, true}, []bool{jobs[0].Repeated, jobs[1].Repeated})
}

// Concurrent submissions under one key, of any type, make one job. The others get that job or a conflict.
func TestOneKeyForManyAtOnce(t *testing.T) {
	t.Parallel()
	server := queuetest.StartRedis(t)
	clients := []*queue.Client{openQueue(t, server, nil), openQueue(t, server, nil), openQueue(t, server, nil)}
	for round := range 20 {
		var wg sync.WaitGroup
		var mu sync.Mutex
		ids, created := map[string]bool{}, 0
		for i := range 60 {
			wg.Go(func() {
				s := queue.Submission{Type: fmt.Sprintf("t%d", i%3), IdempotencyKey: fmt.Sprint("k", round), Durable: i%5 == 0}
				job, err := clients[i%len(clients)].Submit(t.Context(), s)
				if i%4 == 3 && err == nil {
					_, err = clients[i%len(clients)].SubmitBatch(t.Context(), []queue.Submission{s})
				}
				mu.Lock()
				defer mu.Unlock()
				var conflict *queue.ConflictError
				if err != nil {
					require.ErrorAs(t, err, &conflict)
					require.Equal(t, []string{"type"}, conflict.Fields)
					ids[conflict.JobID] = true
					return
				}
				ids[job.ID] = true
				if !job.Repeated {
					created++
				}
			})
		}
		wg.Wait()
		require.Len(t, ids, 1, "round %d", round)
		require.LessOrEqual(t, created, 1)
	}
	list, _, err := clients[0].List(t.Context(), queue.ListFilter{Limit: 500})
	require.NoError(t, err)
	require.Len(t, list, 20)
}

// A submitter that recorded a key and died before storing its job doesn't block the key, and can't complete the
// submission later. A key is free again when its job is deleted or was rejected.
func TestAKeyIsFreeWithoutItsJob(t *testing.T) {
	t.Parallel()
	server := queuetest.StartRedis(t)
	c := openQueue(t, server, func(o *queue.Options) { o.Retention, o.MaxClasses = time.Millisecond, 1 })
	r := raw(t, server)
	for i, id := range []string{"sim-7zzzzzzzzzzzzzzzzzzzzzzzz", "sim-01arz3ndektsv4rrffq69g5fa"} { // from the future, from long ago
		for j, jobType := range []string{"sim", "other"} {
			key := fmt.Sprint("dead", i, j)
			require.NoError(t, r.HSet(t.Context(), "mq:{_}:idem", "\t"+key, fmt.Sprint(id, j)).Err())
			job, err := c.Submit(t.Context(), queue.Submission{Type: jobType, IdempotencyKey: key})
			require.NoError(t, err)
			again, err := c.Submit(t.Context(), queue.Submission{Type: jobType, IdempotencyKey: key})
			require.NoError(t, err)
			require.Equal(t, job.ID, again.ID)
			_, err = c.Submit(t.Context(), queue.Submission{Type: "third", IdempotencyKey: key})
			require.ErrorAs(t, err, new(*queue.ConflictError))
		}
	}

	_, err := c.Submit(t.Context(), queue.Submission{Type: "sim", IdempotencyKey: "refused", Capabilities: []string{"gpu"}})
	require.ErrorAs(t, err, new(*queue.InvalidError), "there are too many classes")
	require.False(t, r.HExists(t.Context(), "mq:{_}:idem", "\trefused").Val())
	_, err = c.Submit(t.Context(), queue.Submission{Type: "other", IdempotencyKey: "refused"})
	require.NoError(t, err)

	w := queue.WorkerInfo{Machine: "m", Name: "w", Offer: capability.Offer{Type: "done"}}
	require.NoError(t, c.Register(t.Context(), w))
	job, err := c.Submit(t.Context(), queue.Submission{Type: "done", IdempotencyKey: "done"})
	require.NoError(t, err)
	got, err := c.Claim(t.Context(), w, 1, time.Second)
	require.NoError(t, err)
	require.NoError(t, c.Complete(t.Context(), got[0].Lease, queue.Result{}))
	require.Eventually(t, func() bool {
		_, err := c.Reap(t.Context(), 100)
		require.NoError(t, err)
		return !r.HExists(t.Context(), "mq:{_}:idem", "\tdone").Val()
	}, 30*time.Second, 5*time.Millisecond, "the key goes with its job")
	next, err := c.Submit(t.Context(), queue.Submission{Type: "other", IdempotencyKey: "done"})
	require.NoError(t, err)
	require.NotEqual(t, job.ID, next.ID)
}

// A repetition is accepted even if its deadline has passed meanwhile; a first submission is then rejected.
func TestARepetitionAfterTheDeadline(t *testing.T) {
	t.Parallel()
	c := openQueue(t, queuetest.StartRedis(t), nil)
	soon := time.Now().Add(30 * time.Millisecond)
	s := queue.Submission{Type: "sim", IdempotencyKey: "k", Deadline: &soon}
	job, err := c.Submit(t.Context(), s)
	require.NoError(t, err)
	require.NoError(t, sleepFor(t.Context(), time.Until(soon)+time.Millisecond))
	again, err := c.Submit(t.Context(), s)
	require.NoError(t, err)
	require.Equal(t, job.ID, again.ID)
	jobs, err := c.SubmitBatch(t.Context(), []queue.Submission{s})
	require.NoError(t, err)
	require.True(t, jobs[0].Repeated)
	other := s
	other.MaxAttempts = 9
	_, err = c.Submit(t.Context(), other)
	require.ErrorAs(t, err, new(*queue.ConflictError))
	s.IdempotencyKey = "another"
	var invalid *queue.InvalidError
	_, err = c.Submit(t.Context(), s)
	require.ErrorAs(t, err, &invalid)
	require.Equal(t, "deadline", invalid.Field)
	_, err = c.SubmitBatch(t.Context(), []queue.Submission{{Type: "sim"}, s})
	require.ErrorAs(t, err, &invalid)
	require.Equal(t, "jobs[1].deadline", invalid.Field)
}
