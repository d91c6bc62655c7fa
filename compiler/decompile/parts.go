package decompile

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/hcl/profile"
)

func sameAny(a, b any) bool { return same(reflect.ValueOf(a), reflect.ValueOf(b)) }

// secretLine is one that the compiler writes for a secret environment variable.
var secretLine = regexp.MustCompile(`^\{\{ ?with nomadVar ("(?:[^"\\]|\\.)*") ?\}\}([A-Za-z_][A-Za-z0-9_]*)=\{\{ ?(?:\.([A-Za-z_][A-Za-z0-9_]*)|\(index \. ("(?:[^"\\]|\\.)*")\))(?:\.Value \| toJSON)? ?\}\}\{\{ ?end ?\}\}$`)

// secretsIn reads the secrets of an environment template; ok says that it holds nothing else.
func secretsIn(tmpl *nomad.Template) (out map[string]profile.Secret, ok bool) {
	if !deref(tmpl.Envvars) {
		return nil, false
	}
	out = map[string]profile.Secret{}
	for _, line := range strings.Split(strings.TrimSpace(deref(tmpl.EmbeddedTmpl)), "\n") {
		m := secretLine.FindStringSubmatch(strings.TrimSpace(line))
		if m == nil {
			return nil, false
		}
		path, err := strconv.Unquote(m[1])
		key := m[3]
		if m[4] != "" && err == nil {
			key, err = strconv.Unquote(m[4])
		}
		if err != nil {
			return nil, false
		}
		out[m[2]] = profile.Secret{Path: path, Key: key}
	}
	return out, true
}

// environmentOf writes a task's environment: what stands in the job, and what is secret.
func (s *sketch) environmentOf(b *body, tasks []*nomad.Task, rt runtime, leaveOut ...string) {
	t := tasks[0]
	items := map[string]string{}
	for name, value := range t.Env {
		if slices.Contains(leaveOut, name) {
			continue
		}
		if !envName.MatchString(name) || strings.HasPrefix(name, "NOMAD_") {
			continue // the comparison takes care of it
		}
		if name == dollarName {
			continue
		}
		second := ""
		if len(tasks) > 1 {
			second = s.asFirst(tasks[1].Env[name], tasks[1], &service{tasks: tasks, port: rt.port})
		}
		if _, ok := rt.env(value); !ok {
			continue
		}
		items[name] = s.perGPU(value, second, rt.env)
	}
	secrets := maps.Clone(s.env[t.Name])
	for _, tmpl := range t.Templates {
		if found, ok := secretsIn(tmpl); ok {
			if secrets == nil {
				secrets = map[string]profile.Secret{}
			}
			maps.Copy(secrets, found)
		}
	}
	for name, at := range secrets {
		items[name] = fmt.Sprintf("secret(%s, %s)", quote(at.Path), quote(at.Key))
	}
	if len(items) > 0 {
		b.set("env", object(items))
	}
}

var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

const dollarName = "dollar"

func (s *sketch) artifacts(b *body, t *nomad.Task, rt runtime) {
	for _, a := range t.Artifacts {
		dest := deref(a.RelativeDest)
		if strings.HasPrefix(dest, "/") || strings.HasPrefix(dest, "..") || strings.Contains(dest, "/../") || strings.Contains(dest, "${") ||
			a.Chown || deref(a.GetterInsecure) || !s.constants(a, rt) {
			continue // Nomad's own words have it
		}
		r := b.block("artifact")
		r.set("source", s.constant(deref(a.GetterSource), rt.env))
		if dest != "local/" {
			r.str("destination", dest)
		}
		if m := deref(a.GetterMode); m != "any" {
			r.str("mode", m)
		}
		for name, items := range map[string]map[string]string{"headers": a.GetterHeaders, "options": a.GetterOptions} {
			if len(items) == 0 {
				continue
			}
			out := map[string]string{}
			for k, v := range items {
				out[k] = s.constant(v, rt.env)
			}
			r.set(name, object(out))
		}
		slices.SortStableFunc(r.args, func(x, y arg) int { return order(x.name) - order(y.name) })
	}
}

// constants says that no text of the artifact is known on the machine only.
func (s *sketch) constants(a *nomad.TaskArtifact, rt runtime) bool {
	texts := append(slices.Collect(maps.Values(a.GetterHeaders)), slices.Collect(maps.Values(a.GetterOptions))...)
	for _, text := range append(texts, deref(a.GetterSource)) {
		if _, ok := literalText(rt.env, text); !ok {
			return false
		}
	}
	return deref(a.GetterSource) != ""
}

func order(name string) int {
	return slices.Index([]string{"source", "destination", "mode", "options", "headers"}, name)
}

func sameLogs(a, b *nomad.LogConfig) bool {
	return a != nil && deref(a.MaxFiles) == deref(b.MaxFiles) && deref(a.MaxFileSizeMB) == deref(b.MaxFileSizeMB) && deref(a.Disabled) == deref(b.Disabled)
}

// network writes how the machine is connected.
func (s *sketch) network(m *body) {
	if len(s.group.Networks) == 0 {
		return
	}
	n := s.group.Networks[0]
	b := &body{}
	switch mode := n.Mode; {
	case mode == "" || mode == "host":
	case mode == "bridge" || networkCNI.MatchString(mode):
		b.set("mode", quote(mode))
		b.str("hostname", n.Hostname)
	default:
		s.notef("the network mode %q", mode)
	}
	if n.DNS != nil {
		d := &body{}
		d.strings("servers", n.DNS.Servers)
		d.strings("searches", n.DNS.Searches)
		d.strings("options", n.DNS.Options)
		b.optional("dns", d)
	}
	m.optional("network", b)
	if s.ours() {
		return
	}
	if len(s.group.Networks) > 1 {
		s.notef("networks of the group but the first")
	}
	for _, ports := range [][]nomad.Port{n.ReservedPorts, n.DynamicPorts} {
		for _, p := range ports {
			if !s.taken(p.Label) {
				s.notef("port %q: a service here has one port, and no task uses this one first", p.Label)
			}
		}
	}
}

var networkCNI = regexp.MustCompile(`^cni/[a-zA-Z0-9_.-]+$`)

// volumes writes the volumes that every task mounts, under one path. What only some tasks mount is left to Nomad's words.
func (s *sketch) volumes(m *body) {
	if s.driver == string(profile.DriverRawExec) {
		return
	}
	paths := map[string]bool{}
	for _, label := range slices.Sorted(maps.Keys(s.group.Volumes)) {
		v := s.group.Volumes[label]
		mount := s.mountOf(label)
		if mount == nil || !sayable(label, v, deref(mount.Destination)) || paths[deref(mount.Destination)] {
			continue // Nomad's own words have it
		}
		paths[deref(mount.Destination)] = true
		b := m.block("volume", label)
		if v.Type != "host" {
			b.str("type", v.Type)
		}
		if v.Source != label {
			b.str("source", v.Source)
		}
		b.str("path", deref(mount.Destination))
		if !v.ReadOnly {
			b.set("read_only", "false")
		}
		if v.Sticky && v.Type == "host" {
			b.set("sticky", "true")
		}
		if v.Type == "host" {
			continue
		}
		if v.PerAlloc {
			b.set("per_machine", "true")
		}
		b.str("access_mode", v.AccessMode)
		b.str("attachment_mode", v.AttachmentMode)
		if o := v.MountOptions; o != nil {
			b.str("fs_type", o.FSType)
			b.strings("mount_flags", o.MountFlags)
		}
	}
}

// sayable says that the language has words for a volume.
func sayable(label string, v *nomad.VolumeRequest, path string) bool {
	if nameOf(label, "v", nil) != label || !strings.HasPrefix(path, "/") || v.Source == "" {
		return false
	}
	return v.Type == "host" || v.Type == "csi" && slices.Contains(accessModes(), v.AccessMode) &&
		slices.Contains([]string{"file-system", "block-device"}, v.AttachmentMode)
}

func accessModes() []string {
	return []string{
		"single-node-reader-only", "single-node-writer", "multi-node-reader-only", "multi-node-single-writer", "multi-node-multi-writer",
		"single-node-single-writer", "single-node-multi-writer",
	}
}

// mountOf is the first mount of a volume.
func (s *sketch) mountOf(label string) *nomad.VolumeMount {
	for _, t := range s.group.Tasks {
		for _, mount := range t.VolumeMounts {
			if deref(mount.Volume) == label {
				return mount
			}
		}
	}
	return nil
}

// failures writes what happens when the machine or its client fails, and how output is kept.
func (s *sketch) failures(m *body) {
	if p := s.group.ReschedulePolicy; p != nil && (s.ours() || !sameAny(p, nomad.NewDefaultReschedulePolicy(nomad.JobTypeService))) {
		r := &body{}
		if !deref(p.Unlimited) && deref(p.Attempts) > 0 && deref(p.Interval) >= 15*time.Second {
			r.num("attempts", deref(p.Attempts))
			r.duration("interval", deref(p.Interval), 0)
		} else if !deref(p.Unlimited) {
			s.notef("that a failed machine isn't placed again: here it is, without limit")
		}
		if d := deref(p.Delay); d >= 5*time.Second {
			r.duration("delay", d, 10*time.Second)
		}
		if f := deref(p.DelayFunction); f != "exponential" {
			r.str("delay_kind", f)
		}
		if d := deref(p.MaxDelay); d >= max(5*time.Second, deref(p.Delay)) && (s.ours() || d != time.Hour) {
			r.duration("max_delay", d, max(10*time.Minute, deref(p.Delay)))
		}
		m.optional("reschedule", r)
	}
	if d := s.group.Disconnect; d != nil {
		r := &body{}
		switch {
		case d.StopOnClientAfter != nil:
			r.duration("stop_after", *d.StopOnClientAfter, 0)
		case d.LostAfter != nil:
			r.duration("lost_after", *d.LostAfter, profile.DefaultLostAfter)
		}
		if deref(d.Replace) && (s.ours() || d.Replace != nil) {
			r.set("replace", "true")
		}
		if c := deref(d.Reconcile); c != "" && c != profile.DefaultReconcile {
			r.str("reconcile", c)
		}
		m.optional("disconnect", r)
	}
	if s.agent != nil {
		s.logs(m, s.agent.LogConfig, false)
		return
	}
	if len(s.services) > 0 && !sameLogs(s.services[0].task().LogConfig, nomad.DefaultLogConfig()) {
		s.logs(m, s.services[0].task().LogConfig, false)
	}
}
