package standin

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"slices"
	"strings"

	"github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/devcluster/gpu"
)

// usage is the sum of the resources that allocations hold.
type usage struct {
	cpu, memory, disk, cores int
	ports                    map[int]int    // port → number of holders; a stopping allocation and its successor may both hold one
	gpus                     map[string]int // device id → number of holders
}

// inUse adds up all allocations whose runner hasn't reported an end, except those in leaving: a plan may use what it
// stops itself.
func inUse(allocs map[string]*api.Allocation, leaving map[string]bool) *usage {
	u := &usage{ports: map[int]int{}, gpus: map[string]int{}}
	for _, a := range allocs {
		if !a.ClientTerminalStatus() && !leaving[a.ID] {
			u.add(a.AllocatedResources, a.GetTaskGroup(), 1)
		}
	}
	return u
}

// add adds n times what an allocation of a group holds; n = -1 subtracts it.
func (u *usage) add(r *api.AllocatedResources, tg *api.TaskGroup, n int) {
	for _, t := range r.Tasks {
		u.cpu += n * int(t.Cpu.CpuShares)
		u.memory += n * int(t.Memory.MemoryMB)
		for _, d := range t.Devices {
			for _, id := range d.DeviceIDs {
				u.gpus[id] += n
			}
		}
	}
	u.disk += n * int(r.Shared.DiskMB)
	u.cores += n * groupCores(tg)
	for _, p := range r.Shared.Ports {
		u.ports[p.Value] += n
	}
}

func groupCores(tg *api.TaskGroup) int {
	n := 0
	if tg != nil {
		for _, t := range tg.Tasks {
			n += deref(t.Resources.Cores)
		}
	}
	return n
}

// place finds room for one allocation of a group. On success it adds the resources to the usage; otherwise they are nil
// and the metric tells why.
func place(n *node, u *usage, job *api.Job, tg *api.TaskGroup) (*api.AllocatedResources, *api.AllocationMetric) {
	m := &api.AllocationMetric{
		NodesEvaluated: 1, NodesInPool: 1, NodePool: nodePool, NodesAvailable: map[string]int{datacenter: 1},
		ConstraintFiltered: map[string]int{}, DimensionExhausted: map[string]int{},
	}
	if !inDatacenter(job.Datacenters) || deref(job.NodePool) != nodePool && deref(job.NodePool) != "all" {
		m.NodesEvaluated, m.NodesInPool, m.NodesAvailable = 0, 0, map[string]int{}
		return nil, m
	}
	if why := infeasible(n, job, tg); why != "" {
		m.NodesFiltered, m.ConstraintFiltered[why] = 1, 1
		return nil, m
	}
	res, why := fit(n, u, tg)
	if why != "" {
		m.NodesExhausted, m.DimensionExhausted[why] = 1, 1
		return nil, m
	}
	u.add(res, tg, 1)
	return res, m
}

func inDatacenter(patterns []string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return p == "*" || p == datacenter || globs(p, datacenter) })
}

// globs reports whether s matches a pattern with "*", the only wildcard that Nomad allows in datacenters.
func globs(pattern, s string) bool {
	head, tail, found := strings.Cut(pattern, "*")
	return found && strings.HasPrefix(s, head) && strings.HasSuffix(s[len(head):], tail)
}

// infeasible returns the reason why the node can never run the group, as Nomad words it, or "".
func infeasible(n *node, job *api.Job, tg *api.TaskGroup) string {
	all := slices.Concat(job.Constraints, tg.Constraints)
	for _, t := range tg.Tasks {
		all = append(all, t.Constraints...)
	}
	drivers := n.drivers()
	for _, t := range tg.Tasks {
		if drivers[t.Driver] == nil {
			return "missing drivers"
		}
	}
	for _, c := range all {
		l, lFound := n.constraintSide(c.LTarget)
		r, rFound := n.constraintSide(c.RTarget)
		if !holdsText(c.Operand, l, r, lFound, rFound) {
			return strings.TrimSpace(fmt.Sprintf("%s %s %s", c.LTarget, c.Operand, c.RTarget))
		}
	}
	if len(tg.Volumes) > 0 {
		return "missing compatible host volumes"
	}
	for _, net := range tg.Networks {
		if net.Mode != "" && net.Mode != "host" {
			return "missing network"
		}
	}
	return missingDevices(n, tg)
}

// holdsText is like [holds], for node attributes, which are texts. They are compared as numbers if both sides are numbers.
func holdsText(operand, l, r string, lFound, rFound bool) bool {
	lv, rv := textValue(l), textValue(r)
	if strings.ContainsAny(operand, "<>") {
		if ln, rn := parseValue(l), parseValue(r); ln.isNum && rn.isNum {
			lv, rv = ln, rn
		}
	}
	return holds(operand, lv, rv, lFound, rFound)
}

func (n *node) constraintSide(target string) (string, bool) {
	name, ok := strings.CutPrefix(target, "${")
	if !ok {
		return target, true
	}
	return n.target(strings.TrimSuffix(name, "}"))
}

func missingDevices(n *node, tg *api.TaskGroup) string {
	healthy := n.gpus.Count - len(n.sick)
	for _, t := range tg.Tasks {
		for _, d := range t.Resources.Devices {
			healthy -= int(deref(d.Count))
			if healthy < 0 || !deviceMatches(n, d) {
				return "missing devices"
			}
		}
	}
	return ""
}

// deviceMatches reports whether a request names the node's GPUs: "gpu", "nvidia/gpu" or "nvidia/gpu/<model>".
func deviceMatches(n *node, d *api.RequestedDevice) bool {
	parts := strings.SplitN(d.Name, "/", 3)
	want := [3]string{gpu.Vendor, gpu.Type, n.gpus.Model}
	switch len(parts) {
	case 1:
		if parts[0] != want[1] {
			return false
		}
	default:
		for i, p := range parts {
			if p != want[i] {
				return false
			}
		}
	}
	for _, c := range d.Constraints {
		l, lFound := n.deviceSide(c.LTarget)
		r, rFound := n.deviceSide(c.RTarget)
		if !holds(c.Operand, l, r, lFound, rFound) {
			return false
		}
	}
	return true
}

func (n *node) deviceSide(target string) (value, bool) {
	switch target {
	case "${device.model}":
		return textValue(n.gpus.Model), true
	case "${device.vendor}":
		return textValue(gpu.Vendor), true
	case "${device.type}":
		return textValue(gpu.Type), true
	case "${device.ids}":
		ids := make([]string, n.gpus.Count)
		for i := range ids {
			ids[i] = gpu.ID(i)
		}
		return textValue(strings.Join(ids, ",")), true
	}
	name, ok := strings.CutPrefix(target, "${device.attr.")
	if !ok {
		return parseValue(target), !strings.HasPrefix(target, "${")
	}
	a, ok := n.gpus.Attributes()[strings.TrimSuffix(name, "}")]
	if a.Unit == "" {
		return textValue(a.Text), ok
	}
	return parseValue(fmt.Sprintf("%d %s", a.Int, a.Unit)), ok
}

// fit allocates ports, devices and amounts from what is free, or returns the dimension that is exhausted.
func fit(n *node, u *usage, tg *api.TaskGroup) (*api.AllocatedResources, string) {
	res := &api.AllocatedResources{Tasks: map[string]*api.AllocatedTaskResources{}}
	taken := map[int]bool{}
	for _, net := range tg.Networks {
		why := fitPorts(n, u, net, taken, res)
		if why != "" {
			return nil, why
		}
	}
	cpu, memory, cores := u.cpu, u.memory, u.cores
	gpus := maps.Clone(u.gpus)
	for _, t := range tg.Tasks {
		r := t.Resources
		shares := deref(r.CPU)
		if c := deref(r.Cores); c > 0 {
			shares = c * n.res.CPU / max(n.res.Cores, 1)
			cores += c
		}
		cpu, memory = cpu+shares, memory+deref(r.MemoryMB)
		tr := &api.AllocatedTaskResources{
			Cpu:    api.AllocatedCpuResources{CpuShares: int64(shares)},
			Memory: api.AllocatedMemoryResources{MemoryMB: int64(deref(r.MemoryMB)), MemoryMaxMB: int64(deref(r.MemoryMaxMB))},
		}
		for _, d := range r.Devices {
			ids := freeGPUs(n, gpus, int(deref(d.Count)))
			if ids == nil {
				return nil, "devices: no devices match request"
			}
			tr.Devices = append(tr.Devices, &api.AllocatedDeviceResource{Vendor: gpu.Vendor, Type: gpu.Type, Name: n.gpus.Model, DeviceIDs: ids})
		}
		res.Tasks[t.Name] = tr
	}
	res.Shared.DiskMB = int64(deref(tg.EphemeralDisk.SizeMB))
	switch {
	case cores > n.res.Cores:
		return nil, "cores"
	case cpu > n.res.CPU:
		return nil, "cpu"
	case memory > n.res.Memory:
		return nil, "memory"
	case u.disk+int(res.Shared.DiskMB) > n.res.Disk:
		return nil, "disk"
	}
	return res, ""
}

func freeGPUs(n *node, used map[string]int, count int) []string {
	var ids []string
	for i := range n.gpus.Count {
		id := gpu.ID(i)
		if _, sick := n.sick[i]; !sick && used[id] == 0 && len(ids) < count {
			ids = append(ids, id)
		}
	}
	if len(ids) < count {
		return nil
	}
	for _, id := range ids {
		used[id]++
	}
	return ids
}

func fitPorts(n *node, u *usage, net *api.NetworkResource, taken map[int]bool, res *api.AllocatedResources) string {
	out := &api.NetworkResource{Mode: "host", Device: "lo", IP: "127.0.0.1"}
	for _, p := range net.ReservedPorts {
		if u.ports[p.Value] > 0 || taken[p.Value] {
			return fmt.Sprintf("network: reserved port collision %s=%d", p.Label, p.Value)
		}
		taken[p.Value] = true
		out.ReservedPorts = append(out.ReservedPorts, p)
		res.Shared.Ports = append(res.Shared.Ports, api.PortMapping{Label: p.Label, Value: p.Value, To: p.To, HostIP: "127.0.0.1"})
	}
	for _, p := range net.DynamicPorts {
		v, ok := freePort(n.ports, u.ports, taken)
		if !ok {
			return "network: dynamic port selection failed"
		}
		p.Value = v
		if p.To == -1 {
			p.To = v
		}
		out.DynamicPorts = append(out.DynamicPorts, p)
		res.Shared.Ports = append(res.Shared.Ports, api.PortMapping{Label: p.Label, Value: v, To: p.To, HostIP: "127.0.0.1"})
	}
	res.Shared.Networks = append(res.Shared.Networks, out)
	return ""
}

// freePort picks a random port that no allocation holds and that no other program listens on.
func freePort(r portRange, used map[int]int, taken map[int]bool) (int, bool) {
	for range 200 {
		p := r.min + rand.IntN(r.max-r.min+1)
		if used[p] > 0 || taken[p] {
			continue
		}
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", p))
		if err != nil || l.Close() != nil {
			continue
		}
		taken[p] = true
		return p, true
	}
	return 0, false
}

// deref returns the value that a pointer points at, or the zero value.
func deref[T any](p *T) T {
	var zero T
	if p == nil {
		return zero
	}
	return *p
}
