package contract

import (
	"fmt"
	"strings"

	"github.com/hashicorp/nomad/api"
	"github.com/stretchr/testify/require"
)

func deviceBehaviours() []behaviour {
	return []behaviour{
		{"the node shows its GPUs with model, memory and driver version", nodeDevices},
		{"two tasks of one group get different GPUs, and each sees only its own", distinctDevices},
		{"a device request can constrain model, memory and driver version", deviceConstraints},
		{"more GPUs than there are is a filtered constraint", missingDevices},
		{"a GPU is held until its task has ended, and then a waiting task is placed", deviceHeld},
		{"an evaluation that stops a task gives its GPU away before the task has ended", deviceShared},
	}
}

// healthBehaviours returns the behaviour that is slow on a real Nomad, whose client batches changes of the node for up
// to ten seconds. It runs in parallel with those that need no GPU.
func healthBehaviours() []behaviour {
	return []behaviour{{"an unhealthy GPU is not allocated until it is healthy again", unhealthyDevice}}
}

func needGPU(t *api.Task, count uint64, constraints ...*api.Constraint) *api.Task {
	t.Resources = &api.Resources{CPU: ptr(20), MemoryMB: ptr(20), Devices: []*api.RequestedDevice{{Name: "nvidia/gpu", Count: &count, Constraints: constraints}}}
	return t
}

func (l *lab) node() *api.Node {
	l.Helper()
	list, _, err := l.client.Nodes().List(nil)
	require.NoError(l, err)
	require.Len(l, list, 1)
	n, _, err := l.client.Nodes().Info(list[0].ID, nil)
	require.NoError(l, err)
	return n
}

func nodeDevices(l *lab) {
	n := l.node()
	require.Equal(l, "ready", n.Status)
	require.Len(l, n.NodeResources.Devices, 1)
	d := n.NodeResources.Devices[0]
	require.Equal(l, "nvidia/gpu/"+l.Model, d.ID())
	require.Len(l, d.Instances, l.GPUs)
	require.Equal(l, fmt.Sprintf("%d MiB", l.Memory), d.Attributes["memory"].String())
	require.NotEmpty(l, d.Attributes["driver_version"].String())
	require.True(l, d.Instances[0].Healthy)
}

func distinctDevices(l *lab) {
	j := l.job(1)
	script := func(name string) string {
		return fmt.Sprintf("echo $NVIDIA_VISIBLE_DEVICES > %s; exec sleep 1000", l.path(name))
	}
	j.TaskGroups[0].Tasks = []*api.Task{
		needGPU(shell("comfyui-gpu0", script("a")), 1), needGPU(shell("comfyui-gpu1", script("b")), 1),
		shell("agent", fmt.Sprintf("echo none$NVIDIA_VISIBLE_DEVICES > %s; exec sleep 1000", l.path("c"))),
	}
	run := l.up(j, 1)
	l.until("the tasks to write", func() bool { return len(l.lines("a"))+len(l.lines("b"))+len(l.lines("c")) == 3 })
	require.NotEqual(l, l.lines("a"), l.lines("b"))
	require.Equal(l, []string{"none"}, l.lines("c"))
	res := l.alloc(run["g0[0]"]).AllocatedResources.Tasks
	require.Equal(l, l.lines("a"), res["comfyui-gpu0"].Devices[0].DeviceIDs)
	require.Equal(l, l.lines("b"), res["comfyui-gpu1"].Devices[0].DeviceIDs)
	require.Empty(l, res["agent"].Devices)
}

func deviceConstraints(l *lab) {
	good := [][3]string{
		{"${device.attr.memory}", ">=", fmt.Sprintf("%d MiB", l.Memory)},
		{"${device.attr.memory}", ">=", "1 GiB"},
		{"${device.model}", "=", l.Model},
		{"${device.attr.driver_version}", "version", ">= 500"},
		{"${device.model}", "regexp", strings.Fields(l.Model)[0]},
	}
	bad := [][3]string{
		{"${device.attr.memory}", ">=", fmt.Sprintf("%d MiB", l.Memory+1)},
		{"${device.model}", "=", "NVIDIA H100"},
		{"${device.attr.driver_version}", "version", ">= 9000"},
		{"${device.attr.no_such_thing}", "is_set", ""},
	}
	ask := func(c [3]string) map[string]*api.AllocationMetric {
		j := l.job(1)
		j.TaskGroups[0].Tasks[0] = needGPU(sleeper("main"), 1, &api.Constraint{LTarget: c[0], Operand: c[1], RTarget: c[2]})
		return l.plan(j).FailedTGAllocs
	}
	for _, c := range good {
		require.Empty(l, ask(c), "%v", c)
	}
	for _, c := range bad {
		m := ask(c)["g0"]
		require.NotNil(l, m, "%v", c)
		require.Equal(l, map[string]int{"missing devices": 1}, m.ConstraintFiltered, "%v", c)
	}
	j := l.job(1)
	j.TaskGroups[0].Tasks[0] = needGPU(sleeper("main"), 1)
	j.TaskGroups[0].Tasks[0].Resources.Devices[0].Name = "nvidia/gpu/" + l.Model
	require.Empty(l, l.plan(j).FailedTGAllocs)
	j.TaskGroups[0].Tasks[0].Resources.Devices[0].Name = "nvidia/gpu/Tesla K80"
	require.NotEmpty(l, l.plan(j).FailedTGAllocs)
}

func missingDevices(l *lab) {
	j := l.job(1)
	j.TaskGroups[0].Tasks[0] = needGPU(sleeper("main"), uint64(l.GPUs+1))
	m := l.plan(j).FailedTGAllocs["g0"]
	require.NotNil(l, m)
	require.Equal(l, map[string]int{"missing devices": 1}, m.ConstraintFiltered)
}

// holder returns a job whose task ends only after the file let-go exists, and holds its GPUs until then.
func (l *lab) holder(n int) *api.Job {
	j := l.job(1)
	hold := fmt.Sprintf(`trap 'while [ ! -e %s ]; do sleep 0.05; done; exit 0' TERM; echo up >> %s; while :; do sleep 0.05; done`, l.path("let-go"), l.path("holding"))
	j.TaskGroups[0].Tasks[0] = needGPU(shell("main", hold), uint64(n))
	j.TaskGroups[0].Tasks[0].KillTimeout = ptr(patience)
	return j
}

// holds waits until the holder's task ignores the signal to end.
func (l *lab) holds() {
	l.Helper()
	l.until("the holder to hold", func() bool { return len(l.lines("holding")) > 0 })
}

// told waits until the holder's task has been told to end.
func (l *lab) told() {
	l.Helper()
	l.until("the first to be told", func() bool {
		for _, a := range l.allocs() {
			if a.DesiredStatus == "stop" && a.ClientStatus == "running" && hasEvent(a.TaskStates["main"], "Killing") {
				return true
			}
		}
		return false
	})
}

func deviceHeld(l *lab) {
	n := l.GPUs/2 + 1
	l.up(l.holder(n), 1)
	l.holds()
	waiter := newLab(l.T, l.Target)
	j := waiter.job(1)
	j.TaskGroups[0].Tasks[0] = needGPU(sleeper("main"), uint64(n))
	waiter.register(j)
	var blocked *api.Evaluation
	l.until("a blocked evaluation", func() bool {
		list, _, err := l.client.Jobs().Evaluations(waiter.id, nil)
		require.NoError(l, err)
		for _, e := range list {
			if e.Status == "blocked" {
				blocked = e
			}
		}
		return blocked != nil
	})
	require.Equal(l, map[string]int{"devices: no devices match request": 1}, blocked.FailedTGAllocs["g0"].DimensionExhausted)
	require.NoError(l, l.scale("g0", 0))
	l.told()
	require.Empty(l, waiter.allocs(), "the GPUs are still held")
	l.write("let-go", "")
	waiter.awaitRunning(1)
	require.Empty(l, l.live())
}

// deviceShared shows why capacity must not move between two groups of a job in one step: the evaluation that stops an
// allocation may reassign its GPUs immediately, while the task that uses them is still ending.
func deviceShared(l *lab) {
	n := l.GPUs/2 + 1
	j := l.holder(n)
	j.TaskGroups = append(j.TaskGroups, group("g1", 1, needGPU(sleeper("main"), uint64(n))))
	l.register(j)
	l.until("one to run and one to wait", func() bool { return len(l.running()) == 1 })
	if _, ok := l.running()["g0[0]"]; !ok {
		require.NoError(l, l.scale("g1", 0)) // the other group was placed first: make room
		l.until("the holder to run", func() bool { _, ok := l.running()["g0[0]"]; return ok })
		require.NoError(l, l.scale("g1", 1))
	}
	l.holds()
	require.NoError(l, l.scale("g0", 0))
	l.until("both to run", func() bool { return len(l.live()) == 2 && len(l.running()) == 1 })
	require.Contains(l, l.running(), "g1[0]")
	l.told()
	l.write("let-go", "")
	l.awaitRunning(1)
}

func hasEvent(s *api.TaskState, kind string) bool {
	if s == nil {
		return false
	}
	for _, e := range s.Events {
		if e.Type == kind {
			return true
		}
	}
	return false
}

func unhealthyDevice(l *lab) {
	require.NoError(l, l.SetHealth(0, "Xid 79: GPU has fallen off the bus"))
	defer func() {
		require.NoError(l, l.SetHealth(0, ""))
		l.until("the GPU to be healthy", func() bool { return l.node().NodeResources.Devices[0].Instances[0].Healthy })
	}()
	sick := func() *api.NodeDevice {
		for _, d := range l.node().NodeResources.Devices[0].Instances {
			if !d.Healthy {
				return d
			}
		}
		return nil
	}
	l.until("the GPU to be unhealthy", func() bool { return sick() != nil })
	require.Contains(l, sick().HealthDescription, "Xid 79")
	j := l.job(1)
	j.TaskGroups[0].Tasks[0] = needGPU(sleeper("main"), uint64(l.GPUs))
	require.Equal(l, map[string]int{"missing devices": 1}, l.plan(j).FailedTGAllocs["g0"].ConstraintFiltered)
	j.TaskGroups[0].Tasks[0] = needGPU(sleeper("main"), uint64(l.GPUs-1))
	run := l.up(j, 1)
	require.NotContains(l, l.alloc(run["g0[0]"]).AllocatedResources.Tasks["main"].Devices[0].DeviceIDs, sick().ID)
}
