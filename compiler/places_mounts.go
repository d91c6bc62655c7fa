package compiler

import (
	"path"
	"slices"
	"strings"

	nomad "github.com/hashicorp/nomad/api"
)

// mount is a folder in a task that comes from outside and outlives the task.
type mount struct {
	path     string
	readOnly bool
}

// mountOf returns the innermost mount that contains a path of a task, or nil if the path is the task's own.
func mountOf(t *nomad.Task, name string) *mount {
	var found *mount
	for _, mt := range append(volumeMounts(t), dockerMounts(t.Config)...) {
		if below(name, mt.path) && (found == nil || len(mt.path) > len(found.path)) {
			found = &mt
		}
	}
	return found
}

func volumeMounts(t *nomad.Task) []mount {
	var list []mount
	for _, v := range t.VolumeMounts {
		if v.Destination != nil {
			list = append(list, mount{path.Clean(*v.Destination), v.ReadOnly != nil && *v.ReadOnly})
		}
	}
	return list
}

// dockerMounts returns the mounts in the docker driver's config, which nomad blocks can set. It leaves out those that end
// with the allocation: relative sources, which are folders of the allocation, and tmpfs.
func dockerMounts(config map[string]any) []mount {
	var list []mount
	for _, v := range anyList(config["volumes"]) {
		text, _ := v.(string)
		if parts := strings.Split(text, ":"); len(parts) > 1 && strings.HasPrefix(parts[0], "/") {
			list = append(list, mount{path.Clean(parts[1]), slices.Contains(strings.Split(strings.Join(parts[2:], ","), ","), "ro")})
		}
	}
	for _, v := range slices.Concat(anyList(config["mount"]), anyList(config["mounts"])) {
		block, _ := v.(map[string]any)
		source, _ := block["source"].(string)
		target, _ := block["target"].(string)
		readOnly, _ := block["readonly"].(bool)
		kind, _ := block["type"].(string)
		if target != "" && (kind == "volume" || strings.HasPrefix(source, "/")) {
			list = append(list, mount{path.Clean(target), readOnly})
		}
	}
	return list
}

func anyList(v any) []any {
	list, _ := v.([]any)
	return list
}
