package contract

import (
	"fmt"

	"github.com/hashicorp/nomad/api"
	"github.com/stretchr/testify/require"
)

func scalingBehaviours() []behaviour {
	return []behaviour{
		{"shrinking stops the highest index", shrinkHighest},
		{"stopping an allocation first does not change which one a shrink stops", stopThenShrink},
		{"a failed low index keeps its place and a running high one is stopped", failedKeepsPlace},
		{"with max_parallel 0 counts change at any time and make no deployment", scaleWithoutDeployment},
		{"a scale outside min and max is a 400", scaleBounds},
		{"bad scale requests are refused", scaleRefusals},
		{"a scale with a different modify index is a 500 that names it", scaleConflict},
		{"a scale without a count only records an event", scaleEventOnly},
		{"a disabled scaling block still enforces its bounds and keeps its policy", scalingPolicy},
		{"a job with all groups at 0 is dead and scales up again", scaleFromZero},
		{"a version with a tag is kept for good, and a scale copies the tag", scaleCopiesTag},
		{"scale status labels the modify index as the job's", scaleStatusIndex},
	}
}

func scaled(tg *api.TaskGroup, lo, hi int64) {
	tg.Scaling = &api.ScalingPolicy{Min: &lo, Max: &hi, Enabled: ptr(false), Policy: map[string]any{"machinectl": map[string]any{"version": 1, "pool": "p", "workers": []any{"a"}}}}
}

func shrinkHighest(l *lab) {
	was := l.up(l.job(3), 3)
	require.NoError(l, l.scale("g0", 1))
	require.Equal(l, map[string]string{"g0[0]": was["g0[0]"]}, l.awaitRunning(1))
}

// stopThenShrink holds only once the stop is evaluated. A shrink before that takes the allocation that is being
// stopped.
func stopThenShrink(l *lab) {
	was := l.up(l.job(3), 3)
	_, err := l.client.Allocations().Stop(&api.Allocation{ID: was["g0[0]"]}, nil)
	require.NoError(l, err)
	l.until("the replacement", func() bool { return l.alloc(was["g0[0]"]).NextAllocation != "" })
	require.NoError(l, l.scale("g0", 2))
	now := l.awaitRunning(2)
	require.Equal(l, was["g0[1]"], now["g0[1]"])
	require.Contains(l, now, "g0[0]", "the stopped allocation is replaced under its own name")
	require.NotEqual(l, was["g0[0]"], now["g0[0]"])
}

func failedKeepsPlace(l *lab) {
	j := l.job(3)
	j.TaskGroups[0].Tasks[0] = shell("main", `[ $NOMAD_ALLOC_INDEX = 0 ] && exit 1; exec sleep 1000`)
	l.register(j)
	l.until("index 0 to fail and two to run", func() bool { return len(l.running()) == 2 && len(l.live()) == 2 })
	was := l.running()
	require.NoError(l, l.scale("g0", 2))
	require.Equal(l, map[string]string{"g0[1]": was["g0[1]"]}, l.awaitRunning(1))
}

func scaleWithoutDeployment(l *lab) {
	l.register(l.job(1))
	for _, n := range []int{3, 2, 4} {
		require.NoError(l, l.scale("g0", n))
	}
	l.awaitRunning(4)
	list, _, err := l.client.Jobs().Deployments(l.id, true, nil)
	require.NoError(l, err)
	require.Empty(l, list)
}

func scaleBounds(l *lab) {
	j := l.job(1)
	scaled(j.TaskGroups[0], 1, 2)
	l.register(j)
	requireCode(l, 400, l.scale("g0", 3), "greater than scaling policy maximum: 3 > 2")
	requireCode(l, 400, l.scale("g0", 0), "less than scaling policy minimum: 0 < 1")
}

func requireCode(l *lab, code int, err error, text string) {
	l.Helper()
	require.ErrorContains(l, err, fmt.Sprint(code))
	require.ErrorContains(l, err, text)
}

func scaleRefusals(l *lab) {
	l.register(l.job(1))
	requireCode(l, 400, l.scale("nope", 1), "nope")
	requireCode(l, 400, l.scale("g0", -1), "negative")
	_, _, err := l.client.Jobs().Scale(l.id, "g0", ptr(2), "m", true, nil, nil)
	requireCode(l, 400, err, "error")
	n := 1
	_, _, err = l.client.Jobs().Scale("no-such-job", "g0", &n, "m", false, nil, nil)
	requireCode(l, 404, err, "not found")
}

func scaleConflict(l *lab) {
	res := l.register(l.job(1))
	_, _, err := l.client.Jobs().ScaleWithRequest(l.id, &api.ScalingRequest{
		Count: ptr(int64(2)), Target: map[string]string{"Job": l.id, "Group": "g0"}, JobModifyIndex: res.JobModifyIndex + 1000,
	}, nil)
	requireCode(l, 500, err, "Enforcing job modify index")
	_, _, err = l.client.Jobs().ScaleWithRequest(l.id, &api.ScalingRequest{
		Count: ptr(int64(2)), Target: map[string]string{"Job": l.id, "Group": "g0"}, JobModifyIndex: res.JobModifyIndex,
	}, nil)
	require.NoError(l, err)
	l.awaitRunning(2)
}

func scaleEventOnly(l *lab) {
	l.register(l.job(1))
	before := l.modifyIndex()
	_, _, err := l.client.Jobs().Scale(l.id, "g0", nil, "could not read demand", true, map[string]any{"why": "test"}, nil)
	require.NoError(l, err)
	require.Equal(l, before, l.modifyIndex())
	for range 22 {
		_, _, err := l.client.Jobs().Scale(l.id, "g0", nil, "again", false, nil, nil)
		require.NoError(l, err)
	}
	s, _, err := l.client.Jobs().ScaleStatus(l.id, nil)
	require.NoError(l, err)
	events := s.TaskGroups["g0"].Events
	require.Len(l, events, 20, "Nomad keeps 20 events")
	require.Equal(l, "again", events[0].Message, "newest first")
}

func (l *lab) modifyIndex() uint64 {
	l.Helper()
	j, _, err := l.client.Jobs().Info(l.id, nil)
	require.NoError(l, err)
	return *j.JobModifyIndex
}

func scalingPolicy(l *lab) {
	j := l.job(0)
	scaled(j.TaskGroups[0], 0, 2)
	l.register(j)
	require.NoError(l, l.scale("g0", 1))
	requireCode(l, 400, l.scale("g0", 3), "maximum")
	list, _, err := l.client.Scaling().ListPolicies(nil)
	require.NoError(l, err)
	for _, stub := range list {
		if stub.Target["Job"] != l.id {
			continue
		}
		require.False(l, stub.Enabled)
		require.Equal(l, "g0", stub.Target["Group"])
		p, _, err := l.client.Scaling().GetPolicy(stub.ID, nil)
		require.NoError(l, err)
		require.Equal(l, map[string]any{"version": 1.0, "pool": "p", "workers": []any{"a"}}, p.Policy["machinectl"])
		return
	}
	l.Fatal("the policy isn't listed")
}

func scaleFromZero(l *lab) {
	l.register(l.job(0))
	status := func(want string) func() bool {
		return func() bool {
			j, _, err := l.client.Jobs().Info(l.id, nil)
			require.NoError(l, err)
			return *j.Status == want
		}
	}
	l.until("the job to be dead", status("dead"))
	require.NoError(l, l.scale("g0", 1))
	l.awaitRunning(1)
	l.until("the job to be running", status("running"))
	require.NoError(l, l.scale("g0", 0))
	l.until("the job to be dead again", status("dead"))
}

func scaleStatusIndex(l *lab) {
	l.up(l.job(2), 2)
	var s *api.JobScaleStatusResponse
	l.until("scale status to settle", func() bool {
		var err error
		s, _, err = l.client.Jobs().ScaleStatus(l.id, nil)
		require.NoError(l, err)
		return s.TaskGroups["g0"].Running == 2
	})
	j, _, err := l.client.Jobs().Info(l.id, nil)
	require.NoError(l, err)
	require.Equal(l, 2, s.TaskGroups["g0"].Desired)
	require.Equal(l, 2, s.TaskGroups["g0"].Placed)
	require.Equal(l, *j.ModifyIndex, s.JobModifyIndex)
	require.NotEqual(l, *j.JobModifyIndex, s.JobModifyIndex, "it is not an index for compare-and-set")
}

func scaleCopiesTag(l *lab) {
	j := l.job(0)
	l.register(j)
	tags := func() (list []string) {
		versions, _, _, err := l.client.Jobs().Versions(*j.ID, false, nil)
		require.NoError(l, err)
		for _, v := range versions {
			if v.VersionTag == nil {
				list = append(list, "")
			} else {
				list = append(list, v.VersionTag.Name)
			}
		}
		return list
	}
	_, err := l.client.Jobs().TagVersion(*j.ID, 0, "old", "why", nil)
	require.NoError(l, err)
	require.NoError(l, l.scale("g0", 1))
	require.Equal(l, []string{"old", "old"}, tags())
	_, err = l.client.Jobs().TagVersion(*j.ID, 0, "old", "again", nil)
	require.ErrorContains(l, err, "already exists on a different version")
	_, err = l.client.Jobs().UntagVersion(*j.ID, "old", nil)
	require.NoError(l, err)
	require.Equal(l, []string{"", "old"}, tags(), "the newest version loses the tag")
	for i := range 8 {
		require.NoError(l, l.scale("g0", i%2))
	}
	require.Equal(l, []string{"", "", "", "", "", "", "old"}, tags())
	_, err = l.client.Jobs().UntagVersion(*j.ID, "new", nil)
	require.ErrorContains(l, err, "not found on job")
	_, err = l.client.Jobs().TagVersion(*j.ID, 1, "new", "", nil)
	require.ErrorContains(l, err, "not found")
}
