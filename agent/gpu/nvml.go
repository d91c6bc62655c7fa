//go:build linux && cgo

package gpu

import (
	"fmt"
	"slices"
	"sync"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/emprops/machinectl/queue"
)

// applicationXIDs are the XID errors that applications cause.
var applicationXIDs = []uint64{13, 31, 43, 45, 68, 109}

// Reader reads the GPUs' state. Safe for concurrent use.
type Reader struct {
	mu     sync.Mutex
	lib    nvml.Interface
	note   string        // why nothing can be read; empty if it can
	events nvml.EventSet // nil: XID events are not available
	driver string
	broken map[string]string // uuid → the XID that broke it
}

// Open loads the driver's library. It never fails: without the library, the reader reports no GPUs and the reason.
func Open() *Reader {
	r := &Reader{lib: nvml.New(), broken: map[string]string{}}
	if ret := r.lib.Init(); ret != nvml.SUCCESS {
		r.note = "GPU health can't be read: NVML: " + text(r.lib, ret)
		return r
	}
	r.driver, _ = r.lib.SystemGetDriverVersion()
	r.subscribe()
	return r
}

// subscribe subscribes to the XID events of all GPUs that have them.
func (r *Reader) subscribe() {
	set, ret := r.lib.EventSetCreate()
	if ret != nvml.SUCCESS {
		return
	}
	n, ret := r.lib.DeviceGetCount()
	if ret != nvml.SUCCESS {
		n = 0
	}
	registered := 0
	for i := range n {
		device, ret := r.lib.DeviceGetHandleByIndex(i)
		if ret != nvml.SUCCESS {
			continue
		}
		if device.RegisterEvents(nvml.EventTypeXidCriticalError, set) == nvml.SUCCESS {
			registered++
		}
	}
	if registered == 0 {
		_ = set.Free()
		return
	}
	r.events = set
}

// Read returns all GPUs that are visible to the agent or, if none can be read, the reason.
func (r *Reader) Read() ([]queue.GPUStatus, string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.note != "" {
		return nil, r.note
	}
	r.takeEvents()
	n, ret := r.lib.DeviceGetCount()
	if ret != nvml.SUCCESS {
		return nil, "GPU health can't be read: NVML: " + text(r.lib, ret)
	}
	all := make([]queue.GPUStatus, 0, n)
	for i := range n {
		all = append(all, r.read(i))
	}
	return all, ""
}

// takeEvents collects the XID events since the last call.
func (r *Reader) takeEvents() {
	for r.events != nil {
		event, ret := r.events.Wait(0)
		if ret != nvml.SUCCESS { // a timeout: there are no more
			return
		}
		if event.EventType != nvml.EventTypeXidCriticalError || slices.Contains(applicationXIDs, event.EventData) {
			continue
		}
		if uuid, ret := event.Device.GetUUID(); ret == nvml.SUCCESS {
			r.broken[uuid] = fmt.Sprintf("critical XID error %d", event.EventData)
		}
	}
}

// read reads one GPU. Fields that the GPU doesn't support stay zero.
func (r *Reader) read(index int) queue.GPUStatus {
	s := queue.GPUStatus{Index: index, Driver: r.driver, Healthy: true}
	sick := func(format string, args ...any) {
		if s.Healthy {
			s.Healthy, s.Reason = false, fmt.Sprintf(format, args...)
		}
	}
	device, ret := r.lib.DeviceGetHandleByIndex(index)
	if ret != nvml.SUCCESS {
		sick("does not answer: %s", text(r.lib, ret))
		return s
	}
	if s.UUID, ret = device.GetUUID(); ret == nvml.ERROR_GPU_IS_LOST {
		sick("has fallen off the bus")
		return s
	}
	s.Model, _ = device.GetName()
	memory, ret := device.GetMemoryInfo()
	switch ret {
	case nvml.SUCCESS:
		s.MemoryTotal, s.MemoryUsed = memory.Total, memory.Used
	case nvml.ERROR_GPU_IS_LOST, nvml.ERROR_UNKNOWN:
		sick("memory can't be read: %s", text(r.lib, ret))
	}
	if use, ret := device.GetUtilizationRates(); ret == nvml.SUCCESS {
		s.Use = int(use.Gpu)
	}
	if degrees, ret := device.GetTemperature(nvml.TEMPERATURE_GPU); ret == nvml.SUCCESS {
		s.Temperature = int(degrees)
	}
	if milliwatts, ret := device.GetPowerUsage(); ret == nvml.SUCCESS {
		s.Power = float64(milliwatts) / 1000
	}
	if reason := r.broken[s.UUID]; reason != "" {
		sick("%s", reason)
	}
	if _, _, _, failed, ret := device.GetRemappedRows(); ret == nvml.SUCCESS && failed {
		sick("remapping of broken memory rows failed")
	}
	if pending, ret := device.GetRetiredPagesPendingStatus(); ret == nvml.SUCCESS && pending == nvml.FEATURE_ENABLED {
		sick("broken memory pages wait for a reset to be retired")
	}
	return s
}

// Close shuts the library down.
func (r *Reader) Close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.note != "" {
		return
	}
	if r.events != nil {
		_ = r.events.Free()
		r.events = nil
	}
	_ = r.lib.Shutdown() // nothing can be done about a failure
	r.note = "closed"
}

// text returns NVML's text for a result. While the library isn't loaded, only go-nvml's code is known.
func text(lib nvml.Interface, ret nvml.Return) string {
	if ret == nvml.ERROR_LIBRARY_NOT_FOUND {
		return "libnvidia-ml.so.1 not found: no NVIDIA driver is installed, or it isn't visible to this task"
	}
	return lib.ErrorString(ret)
}
