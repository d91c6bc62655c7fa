package contract

import (
	"github.com/hashicorp/nomad/api"
	"github.com/stretchr/testify/require"
)

func updateBehaviours() []behaviour {
	return []behaviour{
		{"adding a group leaves the other groups' allocations as they are", addGroup},
		{"removing a group stops its allocations and no others", removeGroup},
		{"changing a scaling policy leaves the allocations as they are", changePolicy},
		{"changing the job's meta replaces all allocations", changeMeta},
		{"changing a task's environment replaces its group's allocations only", changeEnv},
		{"registering again without a change keeps index, version and allocations", registerAgain},
		{"registering enforces the modify index, 0 meaning that there is no job", enforceIndex},
		{"registering honours PreserveCounts", preserveCounts},
		{"a stopped job has no allocations, a purged one is not found", deregister},
		{"versions are kept, newest first", versions},
	}
}

func addGroup(l *lab) {
	j := l.job(2)
	was := l.up(j, 2)
	j.TaskGroups = append(j.TaskGroups, group("g1", 1, sleeper("main")))
	now := l.up(j, 3)
	require.Equal(l, was["g0[0]"], now["g0[0]"])
	require.Equal(l, was["g0[1]"], now["g0[1]"])
	require.Zero(l, l.alloc(now["g0[0]"]).TaskStates["main"].Restarts)
}

func removeGroup(l *lab) {
	j := l.job(1, 2)
	was := l.up(j, 3)
	j.TaskGroups = j.TaskGroups[:1]
	require.Equal(l, map[string]string{"g0[0]": was["g0[0]"]}, l.up(j, 1))
}

func changePolicy(l *lab) {
	j := l.job(1)
	scaled(j.TaskGroups[0], 0, 3)
	was := l.up(j, 1)
	p := *j.TaskGroups[0].Scaling
	p.Policy = map[string]any{"machinectl": map[string]any{"wanted": false}}
	j.TaskGroups[0].Scaling = &p
	res := l.plan(j)
	require.Equal(l, "Edited", res.Diff.Type)
	require.Equal(l, uint64(1), res.Annotations.DesiredTGUpdates["g0"].InPlaceUpdate)
	require.Equal(l, was, l.up(j, 1))
	require.Zero(l, l.alloc(was["g0[0]"]).TaskStates["main"].Restarts)
}

func changeMeta(l *lab) {
	j := l.job(1)
	was := l.up(j, 1)
	j.Meta = map[string]string{"machinectl": "pool"}
	require.Equal(l, uint64(1), l.plan(j).Annotations.DesiredTGUpdates["g0"].DestructiveUpdate)
	l.register(j)
	l.until("another allocation", func() bool {
		now := l.running()
		return len(now) == 1 && now["g0[0]"] != was["g0[0]"]
	})
}

func changeEnv(l *lab) {
	j := l.job(1, 1)
	was := l.up(j, 2)
	j.TaskGroups[1].Tasks[0].Env = map[string]string{"A": "b"}
	l.register(j)
	l.until("another allocation in the changed group", func() bool {
		now := l.running()
		return len(now) == 2 && now["g1[0]"] != was["g1[0]"]
	})
	require.Equal(l, was["g0[0]"], l.running()["g0[0]"])
}

func registerAgain(l *lab) {
	j := l.job(1)
	was := l.up(j, 1)
	index := l.modifyIndex()
	res := l.register(j)
	info, _, err := l.client.Jobs().Info(l.id, nil)
	require.NoError(l, err)
	require.Equal(l, index, *info.JobModifyIndex)
	require.Equal(l, *info.ModifyIndex, res.JobModifyIndex, "without a change the answer's JobModifyIndex is the ModifyIndex")
	require.Equal(l, was, l.awaitRunning(1))
	require.Zero(l, *info.Version)
}

func enforceIndex(l *lab) {
	j := l.job(0)
	enforce := func(index uint64) (*api.JobRegisterResponse, error) {
		res, _, err := l.client.Jobs().RegisterOpts(clone(j), &api.RegisterOptions{EnforceIndex: true, ModifyIndex: index}, nil)
		return res, err
	}
	_, err := enforce(7)
	requireCode(l, 500, err, "Enforcing job modify index 7: job does not exist")
	res, err := enforce(0)
	require.NoError(l, err)
	_, err = enforce(0)
	requireCode(l, 500, err, "Enforcing job modify index 0: job already exists")
	_, err = enforce(res.JobModifyIndex + 1)
	requireCode(l, 500, err, "job exists with conflicting job modify index")
	_, err = enforce(res.JobModifyIndex)
	require.NoError(l, err)
}

func preserveCounts(l *lab) {
	j := l.job(1)
	l.up(j, 1)
	require.NoError(l, l.scale("g0", 2))
	was := l.awaitRunning(2)
	_, _, err := l.client.Jobs().RegisterOpts(clone(j), &api.RegisterOptions{PreserveCounts: true}, nil)
	require.NoError(l, err)
	require.Equal(l, was, l.awaitRunning(2))
}

func deregister(l *lab) {
	l.up(l.job(1), 1)
	_, _, err := l.client.Jobs().Deregister(l.id, false, nil)
	require.NoError(l, err)
	l.until("the allocation to end", func() bool { return len(l.live()) == 0 })
	j, _, err := l.client.Jobs().Info(l.id, nil)
	require.NoError(l, err)
	require.True(l, *j.Stop)
	_, _, err = l.client.Jobs().Deregister(l.id, true, nil)
	require.NoError(l, err)
	l.until("the job to be gone", func() bool {
		_, _, err = l.client.Jobs().Info(l.id, nil)
		return err != nil
	})
	requireCode(l, 404, err, "job not found")
}

func versions(l *lab) {
	j := l.job(0)
	l.register(j)
	j.Priority = ptr(60)
	l.register(j)
	list, _, _, err := l.client.Jobs().Versions(l.id, true, nil)
	require.NoError(l, err)
	require.Len(l, list, 2)
	require.Equal(l, 60, *list[0].Priority)
	require.Equal(l, uint64(1), *list[0].Version)
	require.Equal(l, 50, *list[1].Priority)
}
