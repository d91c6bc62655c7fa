package standin

import (
	"crypto/rand"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"time"

	"github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/devcluster/gpu"
)

// nomadVersion is the version that the node reports, for version constraints. The stand-in behaves like this release.
const nomadVersion = "2.0.5"

// Resources is what the node declares. Tasks may use more than they request.
type Resources struct {
	CPU    int // MHz
	Cores  int // whole cores that may be reserved
	Memory int // MiB
	Disk   int // MiB
}

// node is the stand-in's only node.
type node struct {
	id, name string
	addr     string // host:port of the HTTP API
	res      Resources
	gpus     gpu.Spec
	sick     map[int]string // unhealthy GPUs by index
	ports    portRange
	attrs    map[string]string
	modified uint64
	since    time.Time
}

type portRange struct{ min, max int }

func newNode(cfg Config, addr string) *node {
	n := &node{
		id: newID(), name: cfg.Name, addr: addr, res: cfg.Resources, gpus: cfg.GPUs,
		ports: portRange{cfg.MinPort, cfg.MaxPort}, modified: 1, since: time.Now(),
	}
	host, err := os.Hostname()
	if err != nil {
		host = cfg.Name
	}
	n.attrs = map[string]string{
		"kernel.name": runtime.GOOS, "cpu.arch": runtime.GOARCH, "arch": runtime.GOARCH, "os.name": runtime.GOOS,
		"cpu.numcores": strconv.Itoa(n.res.Cores), "cpu.totalcompute": strconv.Itoa(n.res.CPU),
		"memory.totalbytes": strconv.FormatInt(int64(n.res.Memory)<<20, 10),
		"driver.raw_exec":   "1", "driver.exec": "1", "nomad.version": nomadVersion,
		"unique.hostname": host, "unique.network.ip-address": "127.0.0.1", "nomad.standin": "true",
	}
	return n
}

// target resolves names such as "${attr.x}" and "${node.x}". ok is false if the node has no such value.
func (n *node) target(name string) (string, bool) {
	switch name {
	case "node.unique.id":
		return n.id, true
	case "node.unique.name":
		return n.name, true
	case "node.datacenter":
		return datacenter, true
	case "node.region":
		return region, true
	case "node.class":
		return "", true
	case "node.pool":
		return nodePool, true
	}
	if rest, ok := cutPrefix(name, "attr."); ok {
		v, ok := n.attrs[rest]
		return v, ok
	}
	return "", false
}

const (
	datacenter = "dc1"
	region     = "global"
	nodePool   = "default"
)

func (n *node) drivers() map[string]*api.DriverInfo {
	up := func(what string) *api.DriverInfo {
		return &api.DriverInfo{Detected: true, Healthy: true, HealthDescription: what, UpdateTime: n.since, Attributes: map[string]string{}}
	}
	return map[string]*api.DriverInfo{"raw_exec": up("Healthy"), "exec": up("stand-in: runs as raw_exec, nothing is isolated")}
}

// api returns the node as the HTTP API shows it.
func (n *node) api() *api.Node {
	cores := make([]uint16, n.res.Cores)
	for i := range cores {
		cores[i] = uint16(i)
	}
	res := &api.NodeResources{
		Cpu:            api.NodeCpuResources{CpuShares: int64(n.res.CPU), TotalCpuCores: uint16(n.res.Cores), ReservableCpuCores: cores},
		Memory:         api.NodeMemoryResources{MemoryMB: int64(n.res.Memory)},
		Disk:           api.NodeDiskResources{DiskMB: int64(n.res.Disk)},
		Networks:       []*api.NetworkResource{{Mode: "host", Device: "lo", IP: "127.0.0.1", CIDR: "127.0.0.1/32"}},
		Devices:        n.devices(),
		MinDynamicPort: n.ports.min, MaxDynamicPort: n.ports.max,
	}
	attrs := map[string]string{}
	for k, v := range n.attrs {
		attrs[k] = v
	}
	return &api.Node{
		ID: n.id, Datacenter: datacenter, Name: n.name, HTTPAddr: n.addr, Attributes: attrs, NodeResources: res,
		ReservedResources: &api.NodeReservedResources{}, Links: map[string]string{}, Meta: map[string]string{}, NodePool: nodePool,
		SchedulingEligibility: api.NodeSchedulingEligible, Status: api.NodeStatusReady, StatusUpdatedAt: n.since.Unix(),
		Drivers: n.drivers(), CreateIndex: 1, ModifyIndex: n.modified,
	}
}

func (n *node) stub() *api.NodeListStub {
	full := n.api()
	return &api.NodeListStub{
		Address: "127.0.0.1", ID: n.id, Attributes: full.Attributes, Datacenter: datacenter, Name: n.name, NodePool: nodePool,
		Version: nomadVersion, SchedulingEligibility: full.SchedulingEligibility, Status: full.Status, Drivers: full.Drivers,
		NodeResources: full.NodeResources, ReservedResources: full.ReservedResources, CreateIndex: 1, ModifyIndex: n.modified,
	}
}

func (n *node) devices() []*api.NodeDeviceResource {
	if n.gpus.Count == 0 {
		return nil
	}
	d := &api.NodeDeviceResource{Vendor: gpu.Vendor, Type: gpu.Type, Name: n.gpus.Model, Attributes: map[string]*api.Attribute{}}
	for name, a := range n.gpus.Attributes() {
		if a.Unit != "" {
			d.Attributes[name] = &api.Attribute{IntVal: &a.Int, Unit: a.Unit}
		} else {
			d.Attributes[name] = &api.Attribute{StringVal: &a.Text}
		}
	}
	for i := range n.gpus.Count {
		reason, sick := n.sick[i]
		d.Instances = append(d.Instances, &api.NodeDevice{
			ID: gpu.ID(i), Healthy: !sick, HealthDescription: reason, Locality: &api.NodeDeviceLocality{PciBusID: gpu.BusID(i)},
		})
	}
	return []*api.NodeDeviceResource{d}
}

// newID returns a random UUID, the form of all of Nomad's ids.
func newID() string {
	var b [16]byte
	if _, err := rand.Read(b[:]); err != nil {
		panic("standin: no randomness: " + err.Error()) // crypto/rand never fails on a supported system
	}
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
