package contract

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/hashicorp/nomad/api"
	"github.com/stretchr/testify/require"
)

func apiBehaviours() []behaviour {
	return []behaviour{
		{"a blocking query returns when something has changed, and after its wait when nothing has", blockingQuery},
		{"the event stream reports jobs and allocations", eventStream},
		{"services are registered with their address and their checks are run", services},
		{"a variable's write can be made conditional", variableCAS},
		{"a missing object is a 404", notFound},
		{"the agent reports its health and the leader", agent},
		{"a job list can be narrowed by prefix and carries meta", listJobs},
	}
}

// serve runs an HTTP server until the behaviour ends.
func (l *lab) serve(srv *http.Server) string {
	l.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(l, err)
	srv.ReadHeaderTimeout = patience
	done := make(chan struct{})
	go func() { defer close(done); _ = srv.Serve(ln) }()
	l.Cleanup(func() { _ = srv.Close(); <-done })
	return "http://" + ln.Addr().String()
}

func blockingQuery(l *lab) {
	l.up(l.job(1), 1)
	_, meta, err := l.client.Jobs().Info(l.id, nil)
	require.NoError(l, err)
	require.NotZero(l, meta.LastIndex)
	type answer struct {
		job *api.Job
		err error
	}
	got := make(chan answer, 1)
	go func() {
		index := meta.LastIndex
		for { // another job's change may end the query
			j, m, err := l.client.Jobs().Info(l.id, &api.QueryOptions{WaitIndex: index, WaitTime: patience})
			if err != nil || *j.TaskGroups[0].Count == 2 {
				got <- answer{j, err}
				return
			}
			index = m.LastIndex
		}
	}()
	select {
	case <-got:
		l.Fatal("the query did not wait")
	case <-time.After(200 * time.Millisecond):
	}
	require.NoError(l, l.scale("g0", 2))
	select {
	case a := <-got:
		require.NoError(l, a.err)
	case <-time.After(patience):
		l.Fatal("the query did not return")
	}
	l.awaitRunning(2)
	begun := time.Now()
	_, meta, err = l.client.Nodes().List(nil)
	require.NoError(l, err)
	_, _, err = l.client.Nodes().List(&api.QueryOptions{WaitIndex: meta.LastIndex + 1_000_000, WaitTime: 100 * time.Millisecond})
	require.NoError(l, err)
	require.GreaterOrEqual(l, time.Since(begun), 100*time.Millisecond)
}

func eventStream(l *lab) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	events, err := l.client.EventStream().Stream(ctx, map[api.Topic][]string{api.TopicJob: {l.id}, api.TopicAllocation: {l.id}}, 0, nil)
	require.NoError(l, err)
	l.register(l.job(1))
	seen := map[api.Topic]bool{}
	running := false
	for !seen[api.TopicJob] || !running {
		batch, ok := <-events
		require.True(l, ok, "the stream ended; received: %v", seen)
		require.NoError(l, batch.Err)
		require.NotZero(l, batch.Index)
		for _, e := range batch.Events {
			seen[e.Topic] = true
			if e.Topic != api.TopicAllocation {
				continue
			}
			require.Contains(l, e.FilterKeys, l.id)
			a, err := e.Allocation()
			require.NoError(l, err)
			require.Equal(l, l.id, a.JobID)
			running = running || a.ClientStatus == "running"
		}
	}
}

func services(l *lab) {
	j := l.job(1)
	name := l.id + "-web"
	j.TaskGroups[0].Networks = []*api.NetworkResource{{DynamicPorts: []api.Port{{Label: "http"}}}}
	j.TaskGroups[0].Tasks[0] = shell("main", fmt.Sprintf("cd %s && exec %s", l.dir, l.program("files")))
	j.TaskGroups[0].Tasks[0].Resources.MemoryMB = ptr(programMemory)
	j.TaskGroups[0].Services = []*api.Service{{
		Name: name, Provider: "nomad", PortLabel: "http", Tags: []string{"index-${NOMAD_ALLOC_INDEX}"},
		Checks: []api.ServiceCheck{{Name: "ready", Type: "http", Path: "/ready", Interval: time.Second, Timeout: time.Second}},
	}}
	run := l.up(j, 1)
	var regs []*api.ServiceRegistration
	l.until("the service to be registered", func() bool {
		var err error
		regs, _, err = l.client.Services().Get(name, nil)
		require.NoError(l, err)
		return len(regs) == 1
	})
	port := l.alloc(run["g0[0]"]).AllocatedResources.Shared.Ports[0].Value
	require.Equal(l, port, regs[0].Port)
	require.Equal(l, "127.0.0.1", regs[0].Address)
	require.Equal(l, []string{"index-0"}, regs[0].Tags)
	require.Equal(l, run["g0[0]"], regs[0].AllocID)
	status := func() string {
		checks, err := l.client.Allocations().Checks(run["g0[0]"], nil)
		require.NoError(l, err)
		for _, c := range checks {
			if c.Check == "ready" {
				return c.Status
			}
		}
		return ""
	}
	l.until("the check to fail", func() bool { return status() == "failure" })
	l.write("ready", "yes")
	l.until("the check to succeed", func() bool { return status() == "success" })
	require.NoError(l, l.scale("g0", 0))
	l.until("the service to be gone", func() bool {
		regs, _, err := l.client.Services().Get(name, nil)
		require.NoError(l, err)
		return len(regs) == 0
	})
}

func variableCAS(l *lab) {
	vars, path := l.client.Variables(), "contract/"+l.id
	v, _, err := vars.Create(&api.Variable{Path: path, Items: api.VariableItems{"a": "1"}}, nil)
	require.NoError(l, err)
	defer func() { _, err := vars.Delete(path, nil); require.NoError(l, err) }()
	_, _, err = vars.CheckedUpdate(&api.Variable{Path: path, Items: api.VariableItems{"a": "2"}, ModifyIndex: 1}, nil)
	var conflict api.ErrCASConflict
	require.ErrorAs(l, err, &conflict)
	require.Equal(l, "1", conflict.Conflict.Items["a"])
	v.Items["a"] = "3"
	_, _, err = vars.CheckedUpdate(v, nil)
	require.NoError(l, err)
	got, _, err := vars.Read(path, nil)
	require.NoError(l, err)
	require.Equal(l, "3", got.Items["a"])
	list, _, err := vars.PrefixList("contract/"+l.id, nil)
	require.NoError(l, err)
	require.Len(l, list, 1)
	_, _, err = vars.Read("contract/none", nil)
	require.ErrorIs(l, err, api.ErrVariablePathNotFound)
}

func notFound(l *lab) {
	const none = "00000000-0000-4000-8000-000000000000"
	_, _, err := l.client.Jobs().Info("no-such-job", nil)
	requireCode(l, 404, err, "job not found")
	_, _, err = l.client.Allocations().Info(none, nil)
	requireCode(l, 404, err, "alloc not found")
	_, _, err = l.client.Nodes().Info(none, nil)
	requireCode(l, 404, err, "node not found")
	_, _, err = l.client.Jobs().ScaleStatus("no-such-job", nil)
	requireCode(l, 404, err, "job not found")
}

func agent(l *lab) {
	self, err := l.client.Agent().Self()
	require.NoError(l, err)
	require.NotEmpty(l, self.Member.Name)
	h, err := l.client.Agent().Health()
	require.NoError(l, err)
	require.True(l, h.Client.Ok && h.Server.Ok)
	leader, err := l.client.Status().Leader()
	require.NoError(l, err)
	require.Contains(l, leader, "127.0.0.1:")
	spaces, _, err := l.client.Namespaces().List(nil)
	require.NoError(l, err)
	require.Equal(l, "default", spaces[0].Name)
}

func listJobs(l *lab) {
	j := l.job(0)
	j.Meta = map[string]string{"machinectl": "pool"}
	l.register(j)
	list, _, err := l.client.Jobs().ListOptions(&api.JobListOptions{Fields: &api.JobListFields{Meta: true}}, &api.QueryOptions{Prefix: l.id})
	require.NoError(l, err)
	for _, s := range list {
		require.True(l, strings.HasPrefix(s.ID, l.id))
		if s.ID == l.id {
			require.Equal(l, "pool", s.Meta["machinectl"])
			return
		}
	}
	l.Fatal("the job isn't listed")
}
