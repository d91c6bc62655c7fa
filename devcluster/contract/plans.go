package contract

import (
	"encoding/json"

	"github.com/hashicorp/nomad/api"
	"github.com/stretchr/testify/require"
)

func planBehaviours() []behaviour {
	return []behaviour{
		{"a plan right after registering shows no difference", planNone},
		{"a scaling block makes every plan show Edited and every registration create a version", planScaling},
		{"a plan of a new job shows it as added, and what would be placed", planAdded},
		{"a plan shows which fields change", planEdited},
		{"a plan changes nothing", planChangesNothing},
		{"a plan ignores the live count", planLiveCount},
		{"a missing driver is a filtered constraint", missingDriver},
		{"a constraint that no node meets is named", missedConstraint},
		{"too much CPU or memory is an exhausted dimension", exhausted},
		{"validate lists a job's errors", validate},
	}
}

func planNone(l *lab) {
	j := l.job(1)
	j.Meta = map[string]string{"machinectl": "pool"}
	j.TaskGroups[0].Networks = []*api.NetworkResource{{DynamicPorts: []api.Port{{Label: "http"}}}}
	j.TaskGroups[0].Services = []*api.Service{{Name: "contract-${NOMAD_ALLOC_INDEX}", Provider: "nomad", PortLabel: "http", Tags: []string{"a"}}}
	j.TaskGroups[0].Tasks[0].Identity = &api.WorkloadIdentity{Env: true}
	j.TaskGroups[0].Tasks[0].Templates = []*api.Template{{EmbeddedTmpl: ptr("x"), DestPath: ptr("local/x"), ChangeMode: ptr("noop")}}
	l.up(j, 1)
	res := l.plan(j)
	require.Equal(l, "None", res.Diff.Type, "%s", text(res.Diff))
	require.Empty(l, res.FailedTGAllocs)
	u := *res.Annotations.DesiredTGUpdates["g0"]
	require.Equal(l, api.DesiredUpdates{Ignore: 1}, u)
	require.Equal(l, l.modifyIndex(), res.JobModifyIndex)
}

// planScaling: Nomad compares the submitted block with its own indexes in the stored one. The diff only shows an object
// without fields, and nothing is replaced.
func planScaling(l *lab) {
	j := l.job(1)
	scaled(j.TaskGroups[0], 0, 3)
	was := l.up(j, 1)
	res := l.plan(j)
	require.Equal(l, "Edited", res.Diff.Type)
	tg := res.Diff.TaskGroups[0]
	require.Equal(l, "Edited", tg.Type)
	require.Empty(l, tg.Fields)
	require.Len(l, tg.Objects, 1, "%s", text(res.Diff))
	require.Equal(l, "Scaling", tg.Objects[0].Name)
	require.Empty(l, tg.Objects[0].Fields)
	require.Empty(l, tg.Objects[0].Objects)
	require.Equal(l, "None", tg.Tasks[0].Type)
	require.Equal(l, api.DesiredUpdates{InPlaceUpdate: 1}, *res.Annotations.DesiredTGUpdates["g0"])
	index := l.modifyIndex()
	require.Equal(l, was, l.up(j, 1))
	require.Greater(l, l.modifyIndex(), index)
}

// text formats a difference.
func text(d *api.JobDiff) string {
	b, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func planAdded(l *lab) {
	res := l.plan(l.job(2))
	require.Equal(l, "Added", res.Diff.Type)
	require.Equal(l, uint64(2), res.Annotations.DesiredTGUpdates["g0"].Place)
	require.Zero(l, res.JobModifyIndex)
	require.Len(l, res.Diff.TaskGroups, 1)
	require.Equal(l, "Added", res.Diff.TaskGroups[0].Type)
	_, _, err := l.client.Jobs().Info(l.id, nil)
	requireCode(l, 404, err, "job not found")
}

func planEdited(l *lab) {
	j := l.job(1)
	l.up(j, 1)
	j.TaskGroups[0].Tasks[0].Env = map[string]string{"A": "b"}
	j.TaskGroups[0].Count = ptr(3)
	res := l.plan(j)
	require.Equal(l, "Edited", res.Diff.Type)
	tg := res.Diff.TaskGroups[0]
	require.Equal(l, "Edited", tg.Type)
	count := field(tg.Fields, "Count")
	require.NotNil(l, count)
	require.Equal(l, []string{"1", "3"}, []string{count.Old, count.New})
	require.Equal(l, "Edited", tg.Tasks[0].Type)
	u := res.Annotations.DesiredTGUpdates["g0"]
	require.Equal(l, []uint64{2, 1}, []uint64{u.Place, u.DestructiveUpdate})
}

func field(list []*api.FieldDiff, name string) *api.FieldDiff {
	for _, f := range list {
		if f.Name == name {
			return f
		}
	}
	return nil
}

func planChangesNothing(l *lab) {
	j := l.job(1)
	was := l.up(j, 1)
	index := l.modifyIndex()
	j.TaskGroups[0].Count = ptr(2)
	l.plan(j)
	require.Equal(l, index, l.modifyIndex())
	require.Equal(l, was, l.running())
}

func planLiveCount(l *lab) {
	j := l.job(1)
	l.up(j, 1)
	require.NoError(l, l.scale("g0", 2))
	l.awaitRunning(2)
	require.Equal(l, uint64(1), l.plan(j).Annotations.DesiredTGUpdates["g0"].Stop)
}

func missingDriver(l *lab) {
	j := l.job(1)
	j.TaskGroups[0].Tasks[0].Driver = "qemu"
	j.TaskGroups[0].Tasks[0].Config = map[string]any{"image_path": "x"}
	m := l.plan(j).FailedTGAllocs["g0"]
	require.NotNil(l, m)
	require.Equal(l, map[string]int{"missing drivers": 1}, m.ConstraintFiltered)
	require.Equal(l, 1, m.NodesFiltered)
}

func missedConstraint(l *lab) {
	j := l.job(2)
	j.Constraints = []*api.Constraint{{LTarget: "${attr.kernel.name}", Operand: "=", RTarget: "plan9"}}
	m := l.plan(j).FailedTGAllocs["g0"]
	require.NotNil(l, m)
	require.Equal(l, map[string]int{"${attr.kernel.name} = plan9": 1}, m.ConstraintFiltered)
	require.Equal(l, 1, m.CoalescedFailures)
}

func exhausted(l *lab) {
	j := l.job(1)
	j.TaskGroups[0].Tasks[0].Resources.CPU = ptr(1_000_000_000)
	m := l.plan(j).FailedTGAllocs["g0"]
	require.NotNil(l, m)
	require.Equal(l, map[string]int{"cpu": 1}, m.DimensionExhausted)
	j.TaskGroups[0].Tasks[0].Resources = &api.Resources{CPU: ptr(20), MemoryMB: ptr(100_000_000)}
	m = l.plan(j).FailedTGAllocs["g0"]
	require.NotNil(l, m)
	require.Equal(l, map[string]int{"memory": 1}, m.DimensionExhausted)
	require.Equal(l, 1, m.NodesExhausted)
}

func validate(l *lab) {
	j := l.job(1)
	res, _, err := l.client.Jobs().Validate(clone(j), nil)
	require.NoError(l, err)
	require.Empty(l, res.ValidationErrors)
	j.TaskGroups[0].Tasks = append(j.TaskGroups[0].Tasks, shell("main", "true"))
	res, _, err = l.client.Jobs().Validate(clone(j), nil)
	require.NoError(l, err)
	require.NotEmpty(l, res.ValidationErrors)
	require.Contains(l, res.Error, "main")
}
