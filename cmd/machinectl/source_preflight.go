package main

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/emprops/machinectl/hcl/diag"
	"github.com/emprops/machinectl/hcl/profile"
)

// dialLimit is how long a queue on this host may take to accept a connection.
const dialLimit = time.Second

// preflight warns of what a profile's machines will lack when they start, as far as this host can tell: addresses that are
// placeholders and, if Nomad runs on this host, programs and queues that are missing.
func (s *source) preflight(ctx context.Context, nomadAddress string) hcl.Diagnostics {
	f := flight{said: map[string]bool{}}
	u, err := url.Parse(nomadAddress)
	f.here = err == nil && isLoopback(u.Hostname())
	for _, pool := range s.pools {
		f.machine(ctx, pool.Source.Machine, s.disguised(pool.Source))
	}
	return f.diags
}

// disguised returns a pool's machine with its sensitive texts hidden.
func (s *source) disguised(pool *profile.Pool) *profile.Machine {
	if s.profile.Disguise != nil {
		for _, p := range s.profile.Disguise.Pools {
			if p.Name == pool.Name {
				return p.Machine
			}
		}
	}
	return pool.Machine
}

// shownAs returns a text, or "(sensitive)" if its disguise differs from it.
func shownAs(text, disguise string) string {
	if text != disguise {
		return "(sensitive)"
	}
	return text
}

// flight is one run of preflight.
type flight struct {
	here  bool // the machines may run on this host
	said  map[string]bool
	diags hcl.Diagnostics
}

// warn adds a warning once, however many pools it concerns.
func (f *flight) warn(at hcl.Range, summary, detail, advice string) {
	if !f.said[at.String()+summary] {
		f.said[at.String()+summary] = true
		f.diags = append(f.diags, diag.Warning(at, summary, detail, advice))
	}
}

func (f *flight) machine(ctx context.Context, m, disguise *profile.Machine) {
	f.image(m.Image, disguise.Image, m.Range)
	for i, service := range m.Services {
		f.image(service.Image, disguise.Services[i].Image, service.Range)
	}
	f.queues(ctx, m, disguise)
	if !f.here || m.Driver != profile.DriverRawExec {
		return
	}
	if m.Agent.Artifact == "" {
		f.program(m.Agent.Command, disguise.Agent.Command, m.Agent.CommandAt, "`make build` makes it as bin/machine-agent: copy it there, or write its path in agent { command = … }.")
	}
	if m.Setup != nil {
		f.program(m.Setup.Command, disguise.Setup.Command, m.Setup.Range, "Install it, or correct the path.")
	}
	for i, service := range m.Services {
		f.program(service.Command, disguise.Services[i].Command, service.Range, "Install it, or correct the path.")
	}
}

func (f *flight) program(command, disguise string, at hcl.Range, advice string) {
	if !filepath.IsAbs(command) {
		return
	}
	if _, err := os.Stat(command); err == nil {
		return
	}
	f.warn(at, fmt.Sprintf("No program at %s", shownAs(command, disguise)), "Nomad runs on this host, and the file is not here: the task can't be started.", advice)
}

// image warns of names that are reserved for examples.
func (f *flight) image(name, disguise string, at hcl.Range) {
	registry, _, _ := strings.Cut(name, "/")
	disguisedRegistry, _, _ := strings.Cut(disguise, "/")
	if isExample(registry) {
		f.warn(at, fmt.Sprintf("The image %s is a placeholder", shownAs(name, disguise)), fmt.Sprintf("%s is a name for examples: no registry answers there.", shownAs(registry, disguisedRegistry)), "Write the name of your own image.")
	}
}

func (f *flight) queues(ctx context.Context, m, disguise *profile.Machine) {
	say := func(host string) string {
		if m.Agent.Redis != disguise.Agent.Redis {
			return shownAs(host, "")
		}
		return host
	}
	for _, one := range strings.Split(m.Agent.Redis, ",") {
		u, err := url.Parse(one)
		if err != nil || u.Host == "" {
			continue
		}
		host, port := u.Hostname(), u.Port()
		if port == "" {
			port = "6379"
		}
		switch {
		case isExample(host):
			f.warn(m.Agent.RedisAt, fmt.Sprintf("The queue %s is a placeholder", say(host)), "It is a name for examples: no Redis answers there.", "Write the address of your own.")
		case f.here && isLoopback(host) && m.Driver != profile.DriverDocker && m.Network.Mode == "host" && !answers(ctx, net.JoinHostPort(host, port)):
			f.warn(m.Agent.RedisAt, fmt.Sprintf("No Redis at %s", say(net.JoinHostPort(host, port))), "Nomad runs on this host, and nothing listens there: machines would start and never be ready.",
				"Start it (redis-server), or write the address of another one.")
		}
	}
}

func answers(ctx context.Context, address string) bool {
	dialer := net.Dialer{Timeout: dialLimit}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return false
	}
	_ = conn.Close() // nothing was written
	return true
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// isExample reports whether a host's name is one that RFC 2606 keeps for examples.
func isExample(host string) bool {
	host = strings.ToLower(host)
	for _, name := range []string{"example", "example.com", "example.org", "example.net"} {
		if host == name || strings.HasSuffix(host, "."+name) {
			return true
		}
	}
	return false
}
