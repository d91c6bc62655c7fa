package agent

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/emprops/machinectl/queue"
)

// watchGPUs reads the GPUs' state until life ends. It holds back the worker of an unhealthy GPU, and adds the GPU's
// attributes to the worker's offer. On a machine without services on GPUs it returns immediately.
func (a *agent) watchGPUs(life context.Context) {
	if !slices.ContainsFunc(a.workers, func(w *worker) bool { return w.gpu >= 0 }) {
		return
	}
	var owned map[string][]string // device ids by task
	for {
		if owned == nil && a.o.Tasks != nil {
			devices, err := a.o.Tasks.Devices(life)
			if err == nil {
				owned = devices
			} else if life.Err() == nil {
				a.log.Warn("cannot read this machine's GPUs from Nomad", "error", err)
			}
		}
		gpus, note := a.watch.Read()
		if len(gpus) > 0 {
			gpus, note = a.assign(gpus, owned)
		}
		a.setGPUs(gpus, note)
		pause(life, a.o.GPUEvery)
		if life.Err() != nil {
			return
		}
	}
}

// assign finds each worker's GPU: by the device id that Nomad gave to its service's task or, if Nomad can't be asked, by
// index, provided that exactly as many GPUs are visible as the machine has. It returns the machine's own GPUs.
func (a *agent) assign(all []queue.GPUStatus, owned map[string][]string) (mine []queue.GPUStatus, note string) {
	count := 0
	for _, s := range a.services {
		if s.spec.GPU >= 0 {
			count++
		}
	}
	for _, s := range a.services {
		if s.spec.GPU < 0 {
			continue
		}
		var found *queue.GPUStatus
		for i := range all {
			byID := slices.Contains(owned[s.spec.Name], all[i].UUID)
			byIndex := owned == nil && len(all) == count && all[i].Index == s.spec.GPU
			if byID || byIndex {
				found = &all[i]
			}
		}
		if found == nil {
			note = fmt.Sprintf("the GPU of %s can't be identified among the %d that are visible to the agent", s.spec.Name, len(all))
			continue
		}
		mine = append(mine, *found)
		reason := ""
		if !found.Healthy {
			reason = fmt.Sprintf("GPU %d (%s) is not healthy: %s", found.Index, found.UUID, found.Reason)
		}
		for _, w := range s.workers {
			w.gate.set(holdGPU, reason)
			w.offer(func(info *queue.WorkerInfo) bool { return measured(info, *found) })
		}
	}
	return mine, note
}

// measured adds a GPU's attributes to an offer that doesn't have them, and reports whether it did.
func measured(info *queue.WorkerInfo, g queue.GPUStatus) bool {
	attrs := maps.Clone(info.Offer.Attrs)
	if attrs == nil {
		attrs = map[string]any{}
	}
	before := len(attrs)
	add := func(name, value string) {
		if _, stated := attrs[name]; !stated && value != "" {
			attrs[name] = value
		}
	}
	add("gpu.model", g.Model)
	add("driver", g.Driver)
	if g.MemoryTotal > 0 {
		add("gpu.memory", fmt.Sprintf("%dMiB", g.MemoryTotal>>20))
	}
	info.Offer.Attrs = attrs
	return len(attrs) != before
}

func (a *agent) setGPUs(gpus []queue.GPUStatus, note string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.gpus, a.gpuNote = gpus, note // part of the next regular report; a change of health touches the reporter through its gate
}
