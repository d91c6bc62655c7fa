package compiler

import (
	nomad "github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/hcl/profile"
)

// volumes returns the group's claims of storage.
func (m *machine) volumes() map[string]*nomad.VolumeRequest {
	if len(m.Volumes) == 0 {
		return nil
	}
	out := make(map[string]*nomad.VolumeRequest, len(m.Volumes))
	for _, v := range m.Volumes {
		r := &nomad.VolumeRequest{
			Name: v.Name, Type: v.Type, Source: v.Source, ReadOnly: v.ReadOnly, Sticky: v.Sticky, PerAlloc: v.PerMachine,
			AccessMode: v.AccessMode, AttachmentMode: v.AttachmentMode,
		}
		if v.FSType != "" || len(v.MountFlags) > 0 {
			r.MountOptions = &nomad.CSIMountOptions{FSType: v.FSType, MountFlags: v.MountFlags}
		}
		out[v.Name] = r
	}
	return out
}

// mounts returns the mounts of the same volumes in a task.
func (m *machine) mounts() []*nomad.VolumeMount {
	var out []*nomad.VolumeMount
	for _, v := range m.Volumes {
		out = append(out, &nomad.VolumeMount{Volume: new(v.Name), Destination: new(v.Path), ReadOnly: new(v.ReadOnly)})
	}
	return out
}

// fetch adds artifacts to a task.
func fetch(t *nomad.Task, list []*profile.Artifact) {
	literal := func(text string) *string {
		out, needsDollar := selfer{}.env(text)
		if needsDollar {
			giveDollar(t)
		}
		return &out
	}
	texts := func(in map[string]string) map[string]string {
		if len(in) == 0 {
			return nil
		}
		out := make(map[string]string, len(in))
		for k, v := range in {
			out[k] = *literal(v)
		}
		return out
	}
	for _, a := range list {
		t.Artifacts = append(t.Artifacts, &nomad.TaskArtifact{
			GetterSource: literal(a.Source), RelativeDest: literal(a.Destination), GetterMode: new(a.Mode), GetterOptions: texts(a.Options), GetterHeaders: texts(a.Headers),
		})
	}
}
