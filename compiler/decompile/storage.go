package decompile

import (
	"maps"
	"slices"
	"strings"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/compiler"
	"github.com/emprops/machinectl/hcl/profile"
)

func (s *sketch) artifacts(b *body, t *nomad.Task, rt runtime) {
	for _, a := range t.Artifacts {
		dest := deref(a.RelativeDest)
		if strings.HasPrefix(dest, "/") || !profile.UsablePath(dest) || strings.Contains(dest, "${") ||
			!compiler.Arrives(profile.Driver(s.driver), deref(a.GetterSource), dest) || a.Chown || deref(a.GetterInsecure) || !s.constants(a, rt) {
			continue // the nomad block covers it
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

// constants reports whether no text of the artifact depends on run-time values.
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

// volumes writes the volumes that every task mounts under the same path. Other volumes go into the nomad block.
func (s *sketch) volumes(m *body) {
	if s.driver == string(profile.DriverRawExec) {
		return
	}
	paths := map[string]bool{}
	for _, label := range slices.Sorted(maps.Keys(s.group.Volumes)) {
		v := s.group.Volumes[label]
		mount := s.mountOf(label)
		if mount == nil || !sayable(label, v, deref(mount.Destination)) || paths[deref(mount.Destination)] {
			continue // the nomad block covers it
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

// sayable reports whether the language can express a volume.
func sayable(label string, v *nomad.VolumeRequest, path string) bool {
	if nameOf(label, "v", nil) != label || !strings.HasPrefix(path, "/") || !profile.Mountable(path) || v.Source == "" {
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

// mountOf returns the first mount of a volume.
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
