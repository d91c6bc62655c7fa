package plan

import (
	"testing"

	nomad "github.com/hashicorp/nomad/api"
	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/hcl/manifest"
)

// givenChecks answers with the same check results for every allocation.
type givenChecks nomad.AllocCheckStatuses

func (c givenChecks) Checks(string, *nomad.QueryOptions) (nomad.AllocCheckStatuses, error) {
	return nomad.AllocCheckStatuses(c), nil
}

// A machine is ready when each of its checks has passed, not while one has yet to run.
func TestReadyOnceEachCheckHasPassed(t *testing.T) {
	group := &nomad.TaskGroup{
		Services: []*nomad.Service{{Provider: "consul", Checks: make([]nomad.ServiceCheck, 3)}},
		Tasks: []*nomad.Task{
			{Name: "s", Services: []*nomad.Service{{Provider: "nomad", Checks: make([]nomad.ServiceCheck, 1)}}},
			{Name: manifest.TaskAgent, Services: []*nomad.Service{{Provider: "nomad", Checks: make([]nomad.ServiceCheck, 1)}}},
		},
	}
	alloc := &nomad.AllocationListStub{
		ID: "a", Name: "pool.group[0]", ClientStatus: nomad.AllocClientStatusRunning, DesiredStatus: nomad.AllocDesiredStatusRun,
		TaskStates: map[string]*nomad.TaskState{"s": {State: "running"}, manifest.TaskAgent: {State: "running"}},
	}
	passed, waits := nomad.AllocCheckStatus{Status: "success"}, nomad.AllocCheckStatus{Status: "pending"}
	for name, c := range map[string]struct {
		checks givenChecks
		group  *nomad.TaskGroup
		state  string
	}{
		"none has run":            {nil, group, Starting},
		"one has not run":         {givenChecks{"1": passed}, group, Starting},
		"one is pending":          {givenChecks{"1": passed, "2": waits}, group, Starting},
		"each has passed":         {givenChecks{"1": passed, "2": passed}, group, Ready},
		"the job has no such one": {nil, nil, Ready},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := (&Cluster{checks: c.checks}).machine(t.Context(), alloc, c.group, Place{})
			require.NoError(t, err)
			require.Equal(t, c.state, m.State, m.Why)
		})
	}
}
