package devcluster

import (
	"context"
	"testing"
	"time"

	"github.com/hashicorp/nomad/api"
	"github.com/stretchr/testify/require"
)

func TestSmoke(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	c, err := Start(ctx, Options{Embedded: true, GPUs: 2})
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Stop(ctx)) }()
	t.Log(c.Describe())
	client, err := api.NewClient(&api.Config{Address: c.NomadAddr()})
	require.NoError(t, err)
	p := func(s string) *string { return &s }
	n := func(i int) *int { return &i }
	d := func(x time.Duration) *time.Duration { return &x }
	job := &api.Job{ID: p("smoke"), Type: p("service"), Datacenters: []string{"*"}, Update: &api.UpdateStrategy{MaxParallel: n(0)}, TaskGroups: []*api.TaskGroup{{
		Name: p("g"), Count: n(2), Networks: []*api.NetworkResource{{DynamicPorts: []api.Port{{Label: "http"}}}},
		Tasks: []*api.Task{{Name: "t", Leader: true, Driver: "raw_exec", KillTimeout: d(time.Second), Config: map[string]any{"command": "/bin/sh", "args": []string{"-c", "echo $${X:-none} ${NOMAD_ALLOC_INDEX} $NVIDIA_VISIBLE_DEVICES; exec sleep 100"}},
			Resources: &api.Resources{CPU: n(100), MemoryMB: n(64), Devices: []*api.RequestedDevice{{Name: "nvidia/gpu"}}}}},
	}}}
	res, _, err := client.Jobs().Register(job, nil)
	require.NoError(t, err)
	t.Log(res)
	evs, _, err := client.Jobs().Evaluations("smoke", nil)
	require.NoError(t, err)
	for _, e := range evs {
		t.Logf("%+v", e)
		for g, m := range e.FailedTGAllocs {
			t.Logf("%s %+v", g, m)
		}
	}
	require.Eventually(t, func() bool {
		list, _, err := client.Jobs().Allocations("smoke", false, nil)
		require.NoError(t, err)
		for _, a := range list {
			t.Log(a.Name, a.ClientStatus, a.TaskStates["t"])
			if s := a.TaskStates["t"]; s != nil {
				for _, e := range s.Events {
					t.Log(e.Type, e.DisplayMessage)
				}
			}
		}
		up := 0
		for _, a := range list {
			if a.ClientStatus == "running" {
				up++
			}
		}
		return up == 2
	}, 10*time.Second, 20*time.Millisecond)
	list, _, err := client.Jobs().Allocations("smoke", false, nil)
	require.NoError(t, err)
	for _, a := range list {
		full, _, err := client.Allocations().Info(a.ID, nil)
		require.NoError(t, err)
		frames, errs := client.AllocFS().Logs(full, false, "t", "stdout", "start", 0, nil, nil)
		select {
		case f := <-frames:
			t.Log(string(f.Data))
		case err := <-errs:
			t.Fatal(err)
		}
	}
	plan, _, err := client.Jobs().Plan(job, true, nil)
	require.NoError(t, err)
	t.Logf("%+v %+v", plan.Diff, plan.Annotations.DesiredTGUpdates["g"])
}
