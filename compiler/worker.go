package compiler

import (
	"fmt"
	"maps"
	"slices"

	"github.com/emprops/machinectl/capability"
	"github.com/emprops/machinectl/hcl/profile"
	"github.com/emprops/machinectl/hcl/spec"
)

// worker is the agent's instruction for one claim loop.
func (m *machine) worker(w *profile.Worker, name string, at *instance) spec.Worker {
	out := spec.Worker{
		Name:        name,
		Connector:   w.Connector,
		Concurrency: max(w.Concurrency, 1),
		Offer:       m.offer(w, at),
		Settings:    w.Settings,
	}
	if at != nil {
		out.Service = at.name
	}
	return out
}

// offer is what the profile says, and beside it what a GPU block guarantees of the GPU the worker's service has. So a
// pool without machines can already be asked for by GPU. What the profile says itself wins.
func (m *machine) offer(w *profile.Worker, at *instance) capability.Offer {
	offer := capability.Offer{Type: w.Connector, Flags: slices.Clone(w.Offer.Flags), Attrs: maps.Clone(w.Offer.Attrs)}
	if at == nil || at.gpu < 0 {
		return offer
	}
	if !slices.Contains(offer.Flags, "gpu") {
		offer.Flags = append(offer.Flags, "gpu")
		slices.Sort(offer.Flags)
	}
	promise := func(key, value string) {
		if _, said := offer.Attrs[key]; said || value == "" {
			return
		}
		if offer.Attrs == nil {
			offer.Attrs = map[string]any{}
		}
		offer.Attrs[key] = value
	}
	promise("gpu.model", m.GPU.Model)
	promise("gpu.memory", size(m.GPU.Memory))
	return offer
}

// size writes bytes in the largest binary unit that says them exactly, "" for 0.
func size(bytes int64) string {
	if bytes == 0 {
		return ""
	}
	for _, u := range []struct {
		unit  string
		bytes int64
	}{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if bytes%u.bytes == 0 {
			return fmt.Sprintf("%d%s", bytes/u.bytes, u.unit)
		}
	}
	return fmt.Sprintf("%dB", bytes)
}
