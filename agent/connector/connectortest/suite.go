// Package connectortest is the conformance suite of connectors: the contract in package connector, as tests. A connector
// joins by one call of [Run] in a test.
package connectortest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/url"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/agent/blob"
	"github.com/emprops/machinectl/agent/connector"
	"github.com/emprops/machinectl/queue"
)

// Subject is the connector under test. Its functions return parameters, different ones on each call, so that a cache in the
// service behind the connector doesn't spoil a test.
type Subject struct {
	Type string
	New  func(t *testing.T) connector.Connector
	// Quick returns a job that takes less than two seconds, reports progress and leaves at least one file.
	Quick func() json.RawMessage
	// Slow returns a job that takes more than a minute.
	Slow func() json.RawMessage
	// Wrong are parameters that the connector itself refuses, by mistake. The failure's message must contain Message.
	Wrong map[string]Wrong
	// Idle, if set, waits until the service behind the connector is idle, and fails the test if it doesn't become so.
	Idle func(t *testing.T)
}

// Wrong is one refusal.
type Wrong struct {
	Parameters    string
	Code, Message string
}

// Refused returns a [Wrong].
func Refused(parameters, code, message string) Wrong {
	return Wrong{Parameters: parameters, Code: code, Message: message}
}

// Attempt returns an attempt whose files go to a store in a temporary folder.
func Attempt(t *testing.T, kind string, parameters json.RawMessage, progress func(queue.Progress)) connector.Attempt {
	t.Helper()
	store, err := blob.Open(t.Context(), "file://"+t.TempDir())
	require.NoError(t, err)
	if progress == nil {
		progress = func(queue.Progress) {}
	}
	id := kind + "-01TEST"
	return connector.Attempt{
		Job:      queue.Job{ID: id, Type: kind, Attempts: 1, Parameters: parameters},
		Files:    store.Attempt(id, 1),
		Progress: progress,
	}
}

// Run runs the suite.
func Run(t *testing.T, s Subject) {
	t.Run("a job completes", s.completes)
	t.Run("wrong parameters are refused", s.refuses)
	t.Run("a cancelled job stops", s.stops)
	t.Run("a job ends with its time", s.timesOut)
	t.Run("a cancelled context starts nothing", s.startsNothing)
	t.Run("jobs run concurrently", s.runsConcurrently)
	t.Run("a broken store fails the job", s.reportsStore)
}

func (s Subject) completes(t *testing.T) {
	var reports []queue.Progress
	result, err := s.New(t).Run(t.Context(), Attempt(t, s.Type, s.Quick(), func(p queue.Progress) { reports = append(reports, p) }))
	require.NoError(t, err)
	require.NotEmpty(t, reports, "no progress")
	for i, p := range reports {
		require.Positive(t, p.Max)
		require.LessOrEqual(t, p.Value, p.Max)
		if i > 0 {
			require.GreaterOrEqual(t, p.Value/p.Max, reports[i-1].Value/reports[i-1].Max, "progress went back")
		}
	}
	require.NotEmpty(t, result.Blobs)
	require.LessOrEqual(t, len(result.Data), queue.MaxInlineResult)
	names := map[string]bool{}
	for _, b := range result.Blobs {
		require.False(t, names[b.Name], "name %s twice", b.Name)
		names[b.Name] = true
		u, err := url.Parse(b.URL)
		require.NoError(t, err)
		content, err := os.ReadFile(u.Path)
		require.NoError(t, err)
		sum := sha256.Sum256(content)
		require.Equal(t, hex.EncodeToString(sum[:]), b.SHA256)
		require.Equal(t, int64(len(content)), b.Size)
		require.NotEmpty(t, b.ContentType)
	}
}

func (s Subject) refuses(t *testing.T) {
	c := s.New(t)
	for name, w := range s.Wrong {
		t.Run(name, func(t *testing.T) {
			_, err := c.Run(t.Context(), Attempt(t, s.Type, json.RawMessage(w.Parameters), nil))
			f := connector.Describe(err)
			require.Equal(t, w.Code, f.Code, f.Message)
			require.False(t, f.Retriable)
			require.Contains(t, f.Message, w.Message)
		})
	}
}

// stops cancels a job as soon as it reports progress.
func (s Subject) stops(t *testing.T) {
	because := errors.New("because")
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	_, err := s.New(t).Run(ctx, Attempt(t, s.Type, s.Slow(), func(queue.Progress) { cancel(because) }))
	require.ErrorIs(t, err, because)
	if s.Idle != nil {
		s.Idle(t)
	}
}

func (s Subject) timesOut(t *testing.T) {
	ctx, done := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer done()
	began := time.Now()
	_, err := s.New(t).Run(ctx, Attempt(t, s.Type, s.Slow(), nil))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Less(t, time.Since(began), 5*time.Second)
	if s.Idle != nil {
		s.Idle(t)
	}
}

func (s Subject) startsNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.New(t).Run(ctx, Attempt(t, s.Type, s.Slow(), nil))
	require.ErrorIs(t, err, context.Canceled)
	if s.Idle != nil {
		s.Idle(t)
	}
}

func (s Subject) runsConcurrently(t *testing.T) {
	c := s.New(t)
	var all sync.WaitGroup
	failures := make(chan error, 3)
	for range 3 {
		a := Attempt(t, s.Type, s.Quick(), nil)
		all.Go(func() {
			_, err := c.Run(t.Context(), a)
			failures <- err
		})
	}
	all.Wait()
	for range 3 {
		require.NoError(t, <-failures)
	}
}

// reportsStore removes the store before the job writes to it.
func (s Subject) reportsStore(t *testing.T) {
	dir := t.TempDir()
	store, err := blob.Open(t.Context(), "file://"+dir)
	require.NoError(t, err)
	a := Attempt(t, s.Type, s.Quick(), nil)
	a.Files = store.Attempt(a.Job.ID, 1)
	require.NoError(t, os.Remove(dir))
	require.NoError(t, os.WriteFile(dir, nil, 0o600)) // a file where the folder was: not even root can write below it
	_, err = s.New(t).Run(t.Context(), a)
	f := connector.Describe(err)
	require.Equal(t, connector.Store, f.Code, f.Message)
	require.True(t, f.Retriable)
}
