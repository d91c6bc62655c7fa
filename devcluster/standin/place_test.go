package standin

import (
	"fmt"
	"net"
	"testing"

	"github.com/hashicorp/nomad/api"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/emprops/machinectl/devcluster/gpu"
)

// TestNothingIsGivenTwice: whatever is registered, resized and ended, no GPU and no port has two holders that should
// run, they don't overcommit the node, and each group has what it requests or waits for the rest.
func TestNothingIsGivenTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newTestStore(t, 4)
		jobs := map[string]*api.Job{}
		t.Repeat(map[string]func(*rapid.T){
			"register": func(t *rapid.T) {
				id := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "job")
				g := testGroup("g", rapid.IntRange(0, 4).Draw(t, "count"))
				if n := rapid.IntRange(0, 3).Draw(t, "gpus"); n > 0 {
					g.Tasks[0].Resources.Devices = []*api.RequestedDevice{{Name: "nvidia/gpu", Count: ptr(uint64(n))}}
				}
				g.Tasks[0].Resources.CPU = ptr(rapid.IntRange(1, 400).Draw(t, "cpu"))
				g.Networks = []*api.NetworkResource{{DynamicPorts: []api.Port{{Label: "x"}, {Label: "y"}}}}
				jobs[id] = testJob(id, g)
				s.mustRegister(jobs[id])
			},
			"end": func(t *rapid.T) {
				for _, a := range s.held() {
					s.end(a.ID, rapid.SampledFrom([]string{api.AllocClientStatusComplete, api.AllocClientStatusFailed}).Draw(t, "status"))
					return
				}
			},
			"": func(t *rapid.T) { checkHolders(t, s, jobs) },
		})
	})
}

func checkHolders(t *rapid.T, s *store, jobs map[string]*api.Job) {
	gpus, ports, cpu, wanted := map[string]bool{}, map[int]bool{}, 0, map[string]int{}
	for _, a := range s.allocs {
		if a.DesiredStatus == api.AllocDesiredStatusRun && a.NextAllocation == "" && a.ClientStatus != api.AllocClientStatusComplete {
			wanted[a.JobID]++
		}
		if a.ClientTerminalStatus() || a.DesiredStatus == api.AllocDesiredStatusStop {
			continue // as in Nomad, a plan may use what it stops
		}
		for _, d := range a.AllocatedResources.Tasks["main"].Devices {
			for _, id := range d.DeviceIDs {
				require.False(t, gpus[id], "%s twice", id)
				gpus[id] = true
			}
		}
		for _, p := range a.AllocatedResources.Shared.Ports {
			require.False(t, ports[p.Value], "port %d twice", p.Value)
			ports[p.Value] = true
		}
		cpu += int(a.AllocatedResources.Tasks["main"].Cpu.CpuShares)
	}
	require.LessOrEqual(t, cpu, s.node.res.CPU)
	for id, j := range jobs {
		queued := 0
		if e := s.blockedEval(jobKey{"default", id}); e != nil {
			queued = e.QueuedAllocations["g"]
		}
		require.LessOrEqual(t, wanted[id], *j.TaskGroups[0].Count, "job %s", id)
		require.GreaterOrEqual(t, wanted[id]+queued, *j.TaskGroups[0].Count, "job %s: %d waiting", id, queued)
	}
}

func TestWhyNotPlaced(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer busy.Close()
	for _, c := range []struct {
		want  string
		spoil func(*api.TaskGroup)
	}{
		{"filtered missing drivers", func(g *api.TaskGroup) { g.Tasks[0].Driver = "docker" }},
		{"filtered missing devices", func(g *api.TaskGroup) {
			g.Tasks[0].Resources.Devices = []*api.RequestedDevice{{Name: "nvidia/gpu", Count: ptr(uint64(3))}}
		}},
		{"filtered missing devices", func(g *api.TaskGroup) {
			g.Tasks[0].Resources.Devices = []*api.RequestedDevice{{Name: "amd/gpu", Count: ptr(uint64(1))}}
		}},
		{"filtered ${attr.kernel.name} = windows", func(g *api.TaskGroup) {
			g.Constraints = []*api.Constraint{{LTarget: "${attr.kernel.name}", Operand: "=", RTarget: "windows"}}
		}},
		{"filtered missing compatible host volumes", func(g *api.TaskGroup) { g.Volumes = map[string]*api.VolumeRequest{"v": {}} }},
		{"filtered missing network", func(g *api.TaskGroup) { g.Networks = []*api.NetworkResource{{Mode: "bridge"}} }},
		{"exhausted cpu", func(g *api.TaskGroup) { g.Tasks[0].Resources.CPU = ptr(1001) }},
		{"exhausted memory", func(g *api.TaskGroup) { g.Tasks[0].Resources.MemoryMB = ptr(1001) }},
		{"exhausted cores", func(g *api.TaskGroup) { g.Tasks[0].Resources.CPU, g.Tasks[0].Resources.Cores = ptr(0), ptr(5) }},
		{"exhausted disk", func(g *api.TaskGroup) { g.EphemeralDisk.SizeMB = ptr(10_001) }},
		{"exhausted network: reserved port collision a=90", func(g *api.TaskGroup) {
			g.Networks = []*api.NetworkResource{{ReservedPorts: []api.Port{{Label: "b", Value: 90}, {Label: "a", Value: 90}}}}
		}},
	} {
		t.Run(c.want, func(t *testing.T) {
			s := newTestStore(t, 2)
			g := testGroup("g", 1)
			c.spoil(g)
			s.mustRegister(testJob("j", g))
			m := s.blockedEval(jobKey{"default", "j"}).FailedTGAllocs["g"]
			got := ""
			for why := range m.ConstraintFiltered {
				got += "filtered " + why
			}
			for why := range m.DimensionExhausted {
				got += "exhausted " + why
			}
			require.Equal(t, c.want, got)
		})
	}
}

// TestWaitsForRoom: an allocation that found no room is placed when another ends, the job with the highest priority
// first.
func TestWaitsForRoom(t *testing.T) {
	s := newTestStore(t, 1)
	needs := func(id string, priority int) *api.Job {
		g := testGroup("g", 1)
		g.Tasks[0].Resources.Devices = []*api.RequestedDevice{{Name: "gpu", Count: ptr(uint64(1))}}
		j := testJob(id, g)
		j.Priority = &priority
		return j
	}
	s.mustRegister(needs("first", 10))
	s.mustRegister(needs("low", 20))
	s.mustRegister(needs("high", 90))
	require.Len(t, s.held(), 1)
	require.Equal(t, jobPending, *s.jobs[jobKey{"default", "high"}].job.Status)
	s.mustWrite(func(tx *txn) { tx.deregister(jobKey{"default", "first"}, false) })
	require.Len(t, s.held(), 1, "the GPU is held until the runner reports the end")
	s.end(s.held()["first.g[0]"].ID, api.AllocClientStatusComplete)
	require.Len(t, s.held(), 1)
	require.NotNil(t, s.held()["high.g[0]"])
}

// TestSickGPU: an unhealthy GPU is not allocated.
func TestSickGPU(t *testing.T) {
	s := newTestStore(t, 3)
	s.node.sick = map[int]string{0: "Xid 79"}
	g := testGroup("g", 3)
	g.Tasks[0].Resources.Devices = []*api.RequestedDevice{{Name: "nvidia/gpu/" + s.node.gpus.Model, Count: ptr(uint64(1))}}
	s.mustRegister(testJob("j", g))
	require.Len(t, s.held(), 2)
	for _, a := range s.held() {
		require.NotEqual(t, gpu.ID(0), a.AllocatedResources.Tasks["main"].Devices[0].DeviceIDs[0])
	}
}

// TestPortIsFree: a port that another program listens on is not allocated.
func TestPortIsFree(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	_, ok := freePort(portRange{port, port}, map[int]int{}, map[int]bool{})
	require.False(t, ok)
	require.NoError(t, l.Close())
	_, ok = freePort(portRange{port, port}, map[int]int{port: 1}, map[int]bool{})
	require.False(t, ok)
	taken := map[int]bool{}
	got, ok := freePort(portRange{port, port}, map[int]int{}, taken)
	require.True(t, ok && got == port && taken[port], fmt.Sprint(got, taken))
}

func TestConstraints(t *testing.T) {
	for _, c := range []struct {
		l, operand, r string
		want          bool
	}{
		{"24564 MiB", ">=", "24 GB", true},
		{"24564 MiB", ">=", "24 GiB", false},
		{"24564MiB", "=", "24564 MiB", true},
		{"450 W", "<", "0.5 kW", true},
		{"1 GHz", ">", "900 MHz", true},
		{"1 GiB", ">", "5 MHz", false},
		{"31504 MB/s", ">", "1 GB/s", true},
		{"550.54.14", "version", ">= 500, < 600", true},
		{"550.54.14", "version", "> 551", false},
		{"x", "version", "> 1", false},
		{"NVIDIA H100", "regexp", "H1.0$", true},
		{"NVIDIA H100", "regexp", "(", false},
		{"a,b,c", "set_contains", "a, c", true},
		{"a,b", "set_contains", "a,c", false},
		{"a,b", "set_contains_any", "c,b", true},
		{"a", "!=", "b", true},
		{"a", "!=", "a", false},
		{"a", "is_set", "", true},
		{"a", "unheard of", "a", false},
		{"1.5", "=", "1.50", true},
		{"1", "<", "word", false},
	} {
		require.Equal(t, c.want, holds(c.operand, parseValue(c.l), parseValue(c.r), true, true), "%s %s %s", c.l, c.operand, c.r)
	}
	require.False(t, holds("=", value{}, parseValue("a"), false, true))
	require.True(t, holds("!=", value{}, parseValue("a"), false, true))
	require.True(t, holds(api.ConstraintAttributeIsNotSet, value{}, value{}, false, true))
}
