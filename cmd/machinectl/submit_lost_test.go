package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// A job that was accepted and is gone, because its Redis lost its data, is told from one that never was.
func TestSubmitWaitOfALostJob(t *testing.T) {
	const job = "simulation-01ARZ3NDEKTSV4RRFFQ69G5FAV"
	unknown := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"code": "not_found", "detail": "no such job"}`)
	}
	for name, events := range map[string]http.HandlerFunc{
		"gone at once": unknown,
		"gone while it is followed": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			fmt.Fprint(w, "event: end\ndata: {\"reason\": \"there is no such job any more\"}\n\n")
		},
	} {
		t.Run(name, func(t *testing.T) {
			mux := http.NewServeMux()
			mux.HandleFunc("POST /v1/jobs", func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusCreated)
				fmt.Fprintf(w, `{"id": %q, "state": "waiting"}`, job)
			})
			mux.HandleFunc("GET /v1/jobs/"+job, unknown)
			mux.HandleFunc("GET /v1/jobs/"+job+"/events", events)
			server := httptest.NewServer(mux)
			defer server.Close()
			file := filepath.Join(t.TempDir(), "job.json")
			require.NoError(t, os.WriteFile(file, []byte(`{"type": "simulation"}`), 0o600))
			cmd := exec.Command("machinectl", "submit", "-wait", "-timeout", "60s", "-dispatcher", server.URL, file)
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			var exit *exec.ExitError
			require.ErrorAs(t, cmd.Run(), &exit)
			require.Equal(t, exitJobFailed, exit.ExitCode(), stderr.String())
			require.Contains(t, stderr.String(), "the dispatcher no longer knows job "+job)
			require.Contains(t, stderr.String(), "may or may not have run")
			require.NotContains(t, stderr.String(), "no such job")
		})
	}
}
