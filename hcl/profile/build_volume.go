package profile

import (
	"fmt"
	"path"
	"strings"

	"github.com/emprops/machinectl/hcl/diag"
)

// volumes builds the machine's volumes and checks them.
func (l *loader) volumes(m *Machine, o *object) {
	paths := map[string]string{}
	for _, b := range o.children("volume") {
		v := l.volume(b)
		m.Volumes = append(m.Volumes, v)
		if m.Driver == DriverRawExec {
			l.report(diag.Error(b.header, "A volume without isolation", "The driver raw_exec shows its tasks the host's own files and mounts nothing.",
				"Let the command use the path on the host, or write driver = \"exec\" or \"docker\"."))
		}
		place := path.Clean(v.Path)
		if by, ok := paths[place]; ok && v.Path != "" {
			l.report(diag.Error(b.at("path"), "Two volumes under one path", fmt.Sprintf("Volume %q has this path already.", by), "Give one of them another path."))
		}
		paths[place] = v.Name
	}
}

func (l *loader) volume(o *object) *Volume {
	v := &Volume{
		Name: o.label, Type: o.str("type"), Source: o.strOr("source", o.label), Path: o.str("path"),
		ReadOnly: o.flag("read_only"), Sticky: o.flag("sticky"), PerMachine: o.flag("per_machine"), AccessMode: o.str("access_mode"),
		AttachmentMode: o.str("attachment_mode"), FSType: o.str("fs_type"), MountFlags: o.list("mount_flags"), Range: o.header,
	}
	switch wrong, _ := misread(v.Path); {
	case strings.HasPrefix(v.Path, "/") || wrong != "":
		l.checkMount(v.Path, o.at("path"))
	case v.Path != "":
		l.report(diag.Error(o.at("path"), fmt.Sprintf("%q is not an absolute path", v.Path), "A volume is mounted under a path that starts with a slash.", fmt.Sprintf("Write path = %q.", path.Join("/", v.Path))))
	}
	if v.Type == "csi" {
		for _, name := range []string{"access_mode", "attachment_mode"} {
			if o.lacks(name) {
				l.report(diag.Error(o.header, fmt.Sprintf("Missing argument %q", name), "A CSI volume is claimed in a certain way.",
					fmt.Sprintf("Write %s = %q.", name, map[string]string{"access_mode": "multi-node-reader-only", "attachment_mode": "file-system"}[name])))
			}
		}
		if o.has("sticky") {
			l.report(diag.Error(o.at("sticky"), "Sticky on a CSI volume", "Only host volumes can be sticky.", "Remove it; per_machine = true gives each machine a volume of its own."))
		}
		return v
	}
	for _, name := range []string{"per_machine", "fs_type", "mount_flags"} {
		if o.has(name) {
			l.report(diag.Error(o.at(name), fmt.Sprintf("%q on a host volume", name), "It is for CSI volumes only.", "Remove it, or write type = \"csi\"."))
		}
	}
	return v
}

func (l *loader) artifacts(o *object) []*Artifact {
	var out []*Artifact
	for _, b := range o.children("artifact") {
		a := &Artifact{
			Source: b.str("source"), Destination: b.str("destination"), Mode: b.str("mode"),
			Options: b.dict("options"), Headers: b.dict("headers"), Range: b.header,
		}
		if _, ok := b.get("source"); ok && a.Source == "" {
			l.report(diag.Error(b.at("source"), "The artifact has no source", "It is empty.", "Write source = \"https://…\"."))
		}
		switch outside := path.Clean(a.Destination); {
		case strings.HasPrefix(outside, "/") || outside == ".." || strings.HasPrefix(outside, "../"):
			l.report(diag.Error(b.at("destination"), fmt.Sprintf("%q is outside of the task's directory", a.Destination), "An artifact goes below the directory of its task.", "Write, for example, destination = \"local/models\"."))
		default:
			l.checkPath(a.Destination, b.at("destination"))
		}
		out = append(out, a)
	}
	return out
}
