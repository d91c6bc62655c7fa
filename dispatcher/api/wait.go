package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/emprops/machinectl/queue"
)

// longestWait bounds a request that waits.
const longestWait = time.Minute

// waitOf reads a request's wait parameter; validate has checked its form.
func waitOf(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d > longestWait {
		return 0, invalid("wait", `is %q, want a duration up to 60s, such as "30s"`, shortened(text))
	}
	return d, nil
}

// await returns a job when it is as wanted, and otherwise as it is after the wait. A waiting request counts as a stream.
func (s *Server) await(ctx context.Context, id string, wait time.Duration, wanted func(*queue.Job) bool) (*queue.Job, error) {
	job, err := s.o.Queue.Get(ctx, id)
	if err != nil || wait <= 0 || wanted(job) {
		return job, err
	}
	if s.streams.Add(1) > int64(s.o.MaxStreams) {
		s.streams.Add(-1)
		return nil, refuse(http.StatusServiceUnavailable, codeBusy, "wait", "there are %d requests waiting or streaming: ask without wait, or try again", s.o.MaxStreams)
	}
	defer s.streams.Add(-1)
	waiting, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	defer context.AfterFunc(s.stopping, cancel)()
	stream, err := s.o.Queue.Events(waiting, id, strconv.FormatInt(job.Revision, 10))
	if err != nil {
		return nil, err
	}
	for range stream.C {
		if job, err = s.o.Queue.Get(ctx, id); err != nil || wanted(job) {
			break
		}
	}
	cancel()
	for range stream.C { // its sender ends
		continue
	}
	return job, err
}

// ended reports whether a job has ended.
func ended(j *queue.Job) bool { return j.State.Final() }

// etag changes with the job.
func etag(j *queue.Job) string { return `"` + strconv.FormatInt(j.Revision, 10) + `"` }
