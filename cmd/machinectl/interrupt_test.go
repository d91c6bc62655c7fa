package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/devcluster"
)

// interruptedProfile has two pools whose machines never become ready: no node has room for them.
const interruptedProfile = `
variable "note" { default = "one" }
machine "m" {
  kind   = "api"
  driver = "raw_exec"
  resources {
    cpu    = 50
    memory = "8000GiB"
  }
  agent {
    command = "/bin/sleep"
    redis   = "redis://redis:6379"
    blobs   = "file:///nowhere"
    grace   = "1s"
    env     = { NOTE = var.note }
  }
  worker "w" { connector = "simulation" }
}
pool "first" {
  machine = machine.m
  size {
    min = 1
    max = 2
  }
}
pool "second" {
  machine = machine.m
  size {
    min = 1
    max = 2
  }
}
`

// interrupter is Nomad's API with a signal that comes with a request: before it is passed on, or after it was answered.
type interrupter struct {
	next http.Handler
	on   func(r *http.Request) bool
	stop context.CancelFunc
	late bool
}

func (i *interrupter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	hit := i.on(r)
	if hit && !i.late {
		i.stop()
	}
	i.next.ServeHTTP(w, r)
	if hit && i.late {
		i.stop()
	}
}

func isRegistration(r *http.Request) bool {
	return r.Method == http.MethodPut && r.URL.Path == "/v1/jobs"
}

// TestInterrupted ends apply at each of its stages: what it says then is what Nomad has.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	address, err := url.Parse(startCluster(t, devcluster.Options{Embedded: true}).NomadAddr())
	require.NoError(t, err)
	profile := filepath.Join(t.TempDir(), "p.hcl")
	require.NoError(t, os.WriteFile(profile, []byte(interruptedProfile), 0o600))
	onPool := func(pool string) func(*http.Request) bool { // planning reads it twice, and the first look once
		var n atomic.Int64
		return func(r *http.Request) bool {
			return strings.HasSuffix(r.URL.Path, "/v1/job/"+pool+"/allocations") && n.Add(1) == 4
		}
	}
	for _, c := range []struct {
		name string
		on   func(*http.Request) bool
		late bool
		args []string
		want string
		// registered are the pools that Nomad has afterwards.
		registered []string
	}{
		{name: "while planning", on: func(*http.Request) bool { return true }, want: "Error: interrupted; nothing was changed\n"},
		{
			name: "as the first pool is registered", on: isRegistration, want: `Error: interrupted
  applied: first
  not applied: second
  Nomad continues to start the machines of first.
  Next:
    machinectl apply PROFILE   (goes on; what is applied is not done twice)
    machinectl destroy first   (undoes its creation)
`, registered: []string{"first"},
		},
		{
			name: "after the last pool is registered", on: isRegistration, late: true, want: `Error: interrupted
  applied: second
  Nomad continues to start the machines of second.
  Next:
    machinectl apply PROFILE   (goes on; what is applied is not done twice)
    machinectl destroy second   (undoes its creation)
`, registered: []string{"first", "second"},
		},
		{
			name: "while waiting, with nothing left to apply", on: onPool("second"), late: true,
			want: `Error: interrupted; nothing had to be changed
  not ready yet: first, 0 of 1 machines
  not ready yet: second, 0 of 1 machines
`, registered: []string{"first", "second"},
		},
		{
			name: "as a new revision is registered", on: isRegistration, args: []string{"-var", "note=two"}, want: `Error: interrupted
  applied: first
  not applied: second
  The dispatcher continues to move the machines of first to the new revision, each when it is idle.
  Next:
    machinectl apply PROFILE   (goes on; what is applied is not done twice)
    first has no earlier revision that is known to have worked: to undo, apply its previous profile
`, registered: []string{"first", "second"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			proxy := httptest.NewServer(&interrupter{httputil.NewSingleHostReverseProxy(address), c.on, stop, c.late})
			defer proxy.Close()
			var out, errs bytes.Buffer
			args := append([]string{"machinectl", "apply", "-address", proxy.URL, "-auto-approve", "-timeout", "20s"}, c.args...)
			code := run(ctx, append(args, profile), streams{out: &out, err: &errs})
			require.Equal(t, exitInterrupted, code, errs.String())
			got := strings.ReplaceAll(errs.String(), profile, "PROFILE")
			require.Equal(t, c.want, strings.ReplaceAll(got, "with the same flags ", ""))
			require.Equal(t, c.registered, registeredAt(t, address.String()))
		})
	}
}

// TestInterruptedJSON: programs are told the same.
func TestInterruptedJSON(t *testing.T) {
	t.Parallel()
	address, err := url.Parse(startCluster(t, devcluster.Options{Embedded: true}).NomadAddr())
	require.NoError(t, err)
	profile := filepath.Join(t.TempDir(), "p.hcl")
	require.NoError(t, os.WriteFile(profile, []byte(interruptedProfile), 0o600))
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	proxy := httptest.NewServer(&interrupter{httputil.NewSingleHostReverseProxy(address), isRegistration, stop, false})
	defer proxy.Close()
	var out, errs bytes.Buffer
	code := run(ctx, []string{"machinectl", "apply", "-json", "-address", proxy.URL, "-auto-approve", profile}, streams{out: &out, err: &errs})
	require.Equal(t, exitInterrupted, code)
	require.Empty(t, errs.String())
	var doc struct {
		Pools []struct {
			Name    string `json:"name"`
			Applied bool   `json:"applied"`
		} `json:"pools"`
		Ready bool `json:"ready"`
		Error struct {
			Kind     string `json:"kind"`
			ExitCode int    `json:"exit_code"`
			Message  string `json:"message"`
		} `json:"error"`
	}
	require.NoError(t, json.Unmarshal(out.Bytes(), &doc), out.String())
	require.Equal(t, "interrupted", doc.Error.Kind)
	require.Equal(t, exitInterrupted, doc.Error.ExitCode)
	require.Contains(t, doc.Error.Message, "not applied: second")
	require.False(t, doc.Ready)
	require.Len(t, doc.Pools, 2)
	require.True(t, doc.Pools[0].Applied)
	require.False(t, doc.Pools[1].Applied)
}

// registeredAt are the names of the jobs that a Nomad has.
func registeredAt(t *testing.T, address string) []string {
	t.Helper()
	resp, err := http.Get(address + "/v1/jobs")
	require.NoError(t, err)
	defer resp.Body.Close()
	var jobs []struct {
		ID string `json:"ID"`
	}
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&jobs))
	var names []string
	for _, job := range jobs {
		names = append(names, job.ID)
	}
	return names
}
