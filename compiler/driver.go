package compiler

import (
	"fmt"
	"regexp"
	"time"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/hcl/profile"
)

// program is what a task runs.
type program struct {
	image   string // docker only
	command string // empty, docker only: the image's own entrypoint
	args    []string
	ports   []string       // labels of the ports it listens on, published by docker
	config  map[string]any // further configuration of the driver, by the driver's names
}

// run fills in the task's driver config.
func (m *machine) run(t *nomad.Task, self selfer, p program) {
	config := make(map[string]any, len(p.config)+4)
	for name, v := range p.config {
		config[name] = self.driverValue(v)
	}
	if m.Driver == profile.DriverDocker {
		config["image"] = self.config(p.image)
		if p.command != "" {
			// An image's own entrypoint would wrap a command, so this sets the entrypoint.
			config["entrypoint"] = []string{self.config(inContainer(p.command))}
		}
		if len(p.ports) > 0 && !m.ownNetwork() { // in a network of its own, Nomad maps the ports
			config["ports"] = p.ports
		}
	} else {
		config["command"] = self.config(p.command)
	}
	if len(p.args) > 0 {
		config["args"] = self.configs(p.args)
	}
	t.Config = config
}

// driverValue converts a value of the language to the form that Nomad's drivers expect, in which a map is a block.
func (s selfer) driverValue(v any) any {
	switch v := v.(type) {
	case string:
		return s.config(v)
	case []string:
		return s.configs(v)
	case map[string]string:
		block := make(map[string]any, len(v))
		for name, text := range v {
			block[name] = s.config(text)
		}
		return []map[string]any{block}
	default:
		return v
	}
}

// environment sets the task's variables: plain ones in its env block, secret ones through a template.
func (m *machine) environment(t *nomad.Task, self selfer, env map[string]string, secrets map[string]profile.Secret) {
	for name, text := range env {
		if _, secret := secrets[name]; secret {
			continue
		}
		value, needsDollar := self.env(text)
		if needsDollar {
			giveDollar(t)
		}
		setEnv(t, name, value)
	}
	if len(secrets) > 0 {
		t.Templates = append(t.Templates, secretsTemplate(secrets))
	}
}

func setEnv(t *nomad.Task, name, value string) {
	if t.Env == nil {
		t.Env = map[string]string{}
	}
	t.Env[name] = value
}

// giveDollar lets the task's environment hold a literal reference; see escape.go.
func giveDollar(t *nomad.Task) {
	t.SetMeta(dollarMeta, "$")
}

// withTimeout runs a command under timeout(1), which coreutils and busybox have. Nomad can limit a whole machine's time,
// but not one task's.
func withTimeout(limit time.Duration, command string, args []string) (string, []string) {
	seconds := max(int(limit/time.Second), 1)
	return "timeout", append([]string{"-k", "10", fmt.Sprint(seconds), command}, args...)
}

// plainKey matches a key that a template may write as a field.
var plainKey = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)
