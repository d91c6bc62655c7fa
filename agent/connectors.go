package agent

import (
	"strings"

	"github.com/emprops/machinectl/agent/connector"
	"github.com/emprops/machinectl/agent/connector/comfyui"
	"github.com/emprops/machinectl/agent/connector/simulation"
)

// connectors returns all connectors of this agent, by name.
func connectors() map[string]connector.Factory {
	return map[string]connector.Factory{
		"comfyui":    comfyui.New,
		"simulation": simulation.New,
	}
}

// addresses reads the services' addresses from a task's environment, by port label. Inside the allocation's network
// namespace, NOMAD_ALLOC_ADDR_<label> is preferred.
func addresses(environ []string) map[string]string {
	found := map[string]string{}
	for _, prefix := range []string{"NOMAD_ADDR_", "NOMAD_ALLOC_ADDR_"} {
		for _, entry := range environ {
			name, value, _ := strings.Cut(entry, "=")
			if label, ok := strings.CutPrefix(name, prefix); ok && value != "" {
				found[label] = value
			}
		}
	}
	return found
}
