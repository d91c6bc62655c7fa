package simgpu

import (
	"context"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/emprops/machinectl/devcluster/gpu"
	"github.com/emprops/machinectl/devcluster/simgpu/pluginpb"
)

// healthPoll is how often the control file is read.
const healthPoll = 250 * time.Millisecond

// devices implements the plugin's device service.
type devices struct {
	pluginpb.UnimplementedDevicePluginServer
	log hclog.Logger

	mu       sync.Mutex
	spec     gpu.Spec
	reserved map[string]time.Time // device id → when it was last given to a task
}

func newDevices(log hclog.Logger) *devices {
	return &devices{log: log, spec: gpu.Spec{Count: 1}.Defaults(), reserved: map[string]time.Time{}}
}

func (d *devices) configure(spec gpu.Spec) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.spec = spec
}

func (d *devices) current() gpu.Spec {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.spec
}

// Fingerprint implements pluginpb.DevicePluginServer. It sends all GPUs immediately, and again whenever the health of
// one changes.
func (d *devices) Fingerprint(_ *pluginpb.FingerprintRequest, out grpc.ServerStreamingServer[pluginpb.FingerprintResponse]) error {
	tick := time.NewTicker(healthPoll)
	defer tick.Stop()
	spec := d.current()
	var last map[int]string
	for first := true; ; {
		sick, err := gpu.ReadHealth(spec.ControlFile)
		switch {
		case err != nil:
			d.log.Warn("can't read GPU health, keeping the last one", "error", err)
		case first || !maps.Equal(sick, last):
			if err := out.Send(&pluginpb.FingerprintResponse{DeviceGroup: group(spec, sick)}); err != nil {
				return err
			}
			first, last = false, sick
		}
		select {
		case <-out.Context().Done():
			return nil
		case <-tick.C:
		}
	}
}

func group(spec gpu.Spec, sick map[int]string) []*pluginpb.DeviceGroup {
	if spec.Count == 0 {
		return nil
	}
	g := &pluginpb.DeviceGroup{Vendor: gpu.Vendor, DeviceType: gpu.Type, DeviceName: spec.Model, Attributes: map[string]*pluginpb.Attribute{}}
	for name, a := range spec.Attributes() {
		if a.Unit != "" {
			g.Attributes[name] = &pluginpb.Attribute{Value: &pluginpb.Attribute_IntVal{IntVal: a.Int}, Unit: a.Unit}
		} else {
			g.Attributes[name] = &pluginpb.Attribute{Value: &pluginpb.Attribute_StringVal{StringVal: a.Text}}
		}
	}
	for i := range spec.Count {
		reason, ill := sick[i]
		g.Devices = append(g.Devices, &pluginpb.DetectedDevice{
			ID: gpu.ID(i), Healthy: !ill, HealthDescription: reason, HwLocality: &pluginpb.DeviceLocality{PciBusId: gpu.BusID(i)},
		})
	}
	return []*pluginpb.DeviceGroup{g}
}

// Reserve implements pluginpb.DevicePluginServer.
func (d *devices) Reserve(_ context.Context, req *pluginpb.ReserveRequest) (*pluginpb.ReserveResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	known := map[string]bool{}
	for i := range d.spec.Count {
		known[gpu.ID(i)] = true
	}
	if len(req.GetDeviceIds()) == 0 {
		return nil, status.Error(codes.InvalidArgument, "no device ids were given")
	}
	for _, id := range req.GetDeviceIds() {
		if !known[id] {
			return nil, status.Errorf(codes.InvalidArgument, "unknown device ID %q", id)
		}
		d.reserved[id] = time.Now()
	}
	envs := map[string]string{gpu.EnvVisible: strings.Join(req.GetDeviceIds(), ",")}
	return &pluginpb.ReserveResponse{ContainerRes: &pluginpb.ContainerReservation{Envs: envs}}, nil
}

// Stats implements pluginpb.DevicePluginServer. It sends the constant figures of an idle card.
func (d *devices) Stats(req *pluginpb.StatsRequest, out grpc.ServerStreamingServer[pluginpb.StatsResponse]) error {
	every := req.GetCollectionInterval().AsDuration()
	tick := time.NewTicker(max(every, 100*time.Millisecond))
	defer tick.Stop()
	for {
		if err := out.Send(stats(d.current(), time.Now())); err != nil {
			return err
		}
		select {
		case <-out.Context().Done():
			return nil
		case <-tick.C:
		}
	}
}

func stats(spec gpu.Spec, now time.Time) *pluginpb.StatsResponse {
	if spec.Count == 0 {
		return &pluginpb.StatsResponse{}
	}
	g := &pluginpb.DeviceGroupStats{Vendor: gpu.Vendor, Type: gpu.Type, Name: spec.Model, InstanceStats: map[string]*pluginpb.DeviceStats{}}
	memory := ratio(450, int64(spec.Memory), "MiB", "UsedMemory / TotalMemory")
	for i := range spec.Count {
		g.InstanceStats[gpu.ID(i)] = &pluginpb.DeviceStats{
			Summary: memory,
			Stats: &pluginpb.StatObject{Attributes: map[string]*pluginpb.StatValue{
				"Memory state": memory,
				"Power usage":  ratio(20, spec.Attributes()["power"].Int, "W", "Power usage for this GPU in watts / maximum power"),
				"Temperature":  {IntNumeratorVal: wrapperspb.Int64(38), Unit: "C", Desc: "Temperature of the Unit"},
				"GPU utilization": {
					IntNumeratorVal: wrapperspb.Int64(0), Unit: "%", Desc: "Percent of time over the past sample period during which one or more kernels were executing on the GPU",
				},
			}},
			Timestamp: timestamppb.New(now),
		}
	}
	return &pluginpb.StatsResponse{Groups: []*pluginpb.DeviceGroupStats{g}}
}

func ratio(n, of int64, unit, desc string) *pluginpb.StatValue {
	return &pluginpb.StatValue{IntNumeratorVal: wrapperspb.Int64(n), IntDenominatorVal: wrapperspb.Int64(of), Unit: unit, Desc: desc}
}
