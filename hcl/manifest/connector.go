package manifest

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Connector is a way of running jobs, as the language and the agent know it. The table in [Connectors] is all they share:
// the language accepts what is in it and implemented, and the agent has a constructor for exactly that.
type Connector struct {
	Name string
	// Implemented reports whether an agent has it. The language refuses the others, which are planned.
	Implemented bool
	// Service reports whether it runs jobs on a service of its machine, which a worker must then name.
	Service bool
	// Hosted reports whether it calls a provider over HTTP: its workers on api and hybrid machines offer the capability "api".
	Hosted   bool
	Doc      string
	Settings []Setting
}

// Setting is one item of a worker's settings. Its value is text that has the form of its type.
type Setting struct {
	Name    string
	Type    SettingType
	Default string
	Doc     string
}

// SettingType is the form of a setting's value, in words that follow "it takes".
type SettingType string

// The types of settings.
const (
	SettingBool     SettingType = "true or false"
	SettingPositive SettingType = "a number above 0"
)

// Connectors returns all connectors, in the order of the documentation. A new one is a row here and a constructor in package agent.
func Connectors() []Connector {
	return []Connector{
		{
			Name: "comfyui", Implemented: true, Service: true, Doc: "Workflows on a ComfyUI server, which is a service of the machine.",
			Settings: []Setting{{Name: "keep_history", Type: SettingBool, Default: "false", Doc: "Leave each prompt's record in ComfyUI's history, where it takes memory until ComfyUI restarts."}},
		},
		{Name: "http", Hosted: true, Doc: "Any API behind HTTP."},
		{Name: "openai", Hosted: true, Doc: "The API of OpenAI, and those that speak like it."},
		{Name: "replicate", Hosted: true, Doc: "The API of Replicate."},
		{Name: "runpod", Hosted: true, Doc: "Serverless endpoints of RunPod."},
		{
			Name: "simulation", Implemented: true, Doc: "Simulated jobs, for trials: it waits, and ends as the job's parameters state.",
			Settings: []Setting{{Name: "speed", Type: SettingPositive, Default: "1", Doc: "Factor by which jobs run faster than their parameters state."}},
		},
	}
}

// ConnectorNamed finds a connector.
func ConnectorNamed(name string) (Connector, bool) {
	all := Connectors()
	if i := slices.IndexFunc(all, func(c Connector) bool { return c.Name == name }); i >= 0 {
		return all[i], true
	}
	return Connector{}, false
}

// Setting finds one of the connector's settings.
func (c Connector) Setting(name string) (Setting, bool) {
	if i := slices.IndexFunc(c.Settings, func(s Setting) bool { return s.Name == name }); i >= 0 {
		return c.Settings[i], true
	}
	return Setting{}, false
}

// SettingNames returns the names of the connector's settings.
func (c Connector) SettingNames() []string {
	names := make([]string, len(c.Settings))
	for i, s := range c.Settings {
		names[i] = s.Name
	}
	return names
}

// Accepts reports whether value has the form of the setting's type.
func (s Setting) Accepts(value string) bool {
	switch s.Type {
	case SettingBool:
		_, err := strconv.ParseBool(value)
		return err == nil
	case SettingPositive:
		n, err := strconv.ParseFloat(value, 64)
		return err == nil && n > 0 && n < 1e18
	default:
		return true
	}
}

// CheckSettings reports the first wrong setting of a worker of the connector, by name.
func (c Connector) CheckSettings(worker string, settings map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		s, ok := c.Setting(name)
		switch {
		case !ok:
			return fmt.Errorf("worker %q: %s has no setting %q; it has: %s", worker, c.Name, name, strings.Join(c.SettingNames(), ", "))
		case !s.Accepts(settings[name]):
			return fmt.Errorf("worker %q: setting %s: %q, want %s", worker, name, settings[name], s.Type)
		}
	}
	return nil
}
