package standin

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/nomad/api"
	"github.com/zclconf/go-cty/cty"

	"github.com/emprops/machinectl/devcluster/gpu"
)

// taskEnv is a task's environment, plus the node's attributes for interpolation.
type taskEnv struct {
	vars map[string]string
	node *node
	meta map[string]string
}

// newTaskEnv builds the environment of one task. token is empty if the task may not see one.
func newTaskEnv(n *node, a *api.Allocation, t *api.Task, dir allocDir, token string) *taskEnv {
	tg := a.GetTaskGroup()
	e := &taskEnv{vars: map[string]string{}, node: n, meta: combinedMeta(a.Job, tg, t)}
	v := e.vars
	v["NOMAD_ALLOC_ID"], v["NOMAD_SHORT_ALLOC_ID"], v["NOMAD_ALLOC_NAME"] = a.ID, a.ID[:8], a.Name
	v["NOMAD_ALLOC_INDEX"] = strconv.Itoa(allocIndex(a))
	v["NOMAD_ALLOC_DIR"], v["NOMAD_TASK_DIR"], v["NOMAD_SECRETS_DIR"] = dir.shared(), dir.local(t.Name), dir.secrets(t.Name)
	v["NOMAD_TASK_NAME"], v["NOMAD_GROUP_NAME"], v["NOMAD_JOB_ID"], v["NOMAD_JOB_NAME"] = t.Name, *tg.Name, a.JobID, *a.Job.Name
	v["NOMAD_DC"], v["NOMAD_REGION"], v["NOMAD_NAMESPACE"] = datacenter, region, a.Namespace
	if r := a.AllocatedResources.Tasks[t.Name]; r != nil {
		v["NOMAD_CPU_LIMIT"] = strconv.FormatInt(r.Cpu.CpuShares, 10)
		v["NOMAD_MEMORY_LIMIT"] = strconv.FormatInt(r.Memory.MemoryMB, 10)
		if r.Memory.MemoryMaxMB > 0 {
			v["NOMAD_MEMORY_MAX_LIMIT"] = strconv.FormatInt(r.Memory.MemoryMaxMB, 10)
		}
		for _, d := range r.Devices {
			v[gpu.EnvVisible] = strings.Join(d.DeviceIDs, ",")
		}
	}
	for _, p := range a.AllocatedResources.Shared.Ports {
		e.port(p)
	}
	if token != "" {
		v["NOMAD_TOKEN"], v["NOMAD_UNIX_ADDR"] = token, "unix://"+dir.secrets(t.Name)+"/api.sock"
	}
	for k, m := range e.meta {
		v["NOMAD_META_"+cleanName(k)] = m
		v["NOMAD_META_"+strings.ToUpper(cleanName(k))] = m
	}
	own := map[string]string{}
	for k, s := range t.Env {
		own[cleanName(k)] = e.replace(s)
	}
	maps.Copy(v, own)
	return e
}

func (e *taskEnv) port(p api.PortMapping) {
	label, port := cleanName(p.Label), strconv.Itoa(p.Value)
	inside := port
	if p.To > 0 {
		inside = strconv.Itoa(p.To)
	}
	e.vars["NOMAD_IP_"+label], e.vars["NOMAD_HOST_IP_"+label] = p.HostIP, p.HostIP
	e.vars["NOMAD_PORT_"+label], e.vars["NOMAD_ALLOC_PORT_"+label], e.vars["NOMAD_HOST_PORT_"+label] = inside, inside, port
	e.vars["NOMAD_ADDR_"+label], e.vars["NOMAD_HOST_ADDR_"+label] = p.HostIP+":"+port, p.HostIP+":"+port
}

// cleanName turns a name into the name of an environment variable. Like Nomad, it replaces characters that a shell
// rejects.
func cleanName(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_', r == '.', r == '/', r == '\\':
			return r
		}
		return '_'
	}, s)
}

// hostDenied lists the host's variables that raw_exec hides from tasks by default.
func hostDenied() []string {
	return []string{
		"CONSUL_TOKEN", "CONSUL_HTTP_TOKEN", "VAULT_TOKEN", "NOMAD_LICENSE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
		"AWS_SESSION_TOKEN", "GOOGLE_APPLICATION_CREDENTIALS",
	}
}

// list returns the process's whole environment: the host's, then the task's. tmp, if not empty, replaces the host's
// TMPDIR.
func (e *taskEnv) list(tmp string) []string {
	all := map[string]string{}
	for _, kv := range os.Environ() {
		if k, v, ok := strings.Cut(kv, "="); ok && !slices.Contains(hostDenied(), k) {
			all[k] = v
		}
	}
	if tmp != "" {
		all["TMPDIR"] = tmp
	}
	maps.Copy(all, e.vars)
	out := make([]string, 0, len(all))
	for _, k := range slices.Sorted(maps.Keys(all)) {
		out = append(out, k+"="+all[k])
	}
	return out
}

// replace fills in "${name}" if the name is known, and leaves it unchanged otherwise. It has no escapes. Environment
// values, services, template paths and artifacts are interpolated this way.
func (e *taskEnv) replace(s string) string {
	return regexp.MustCompile(`\$\{[a-zA-Z0-9_.\-]+\}`).ReplaceAllStringFunc(s, func(m string) string {
		if v, ok := e.lookup(m[2 : len(m)-1]); ok {
			return v
		}
		return m
	})
}

func (e *taskEnv) lookup(name string) (string, bool) {
	if v, ok := e.vars[strings.TrimPrefix(name, "env.")]; ok {
		return v, true
	}
	if k, ok := strings.CutPrefix(name, "meta."); ok {
		v, ok := e.meta[k]
		return v, ok
	}
	return e.node.target(name)
}

// evaluate interpolates driver config: every string is an HCL template, in which $${ and %%{ are literal.
func (e *taskEnv) evaluate(v any) (any, error) {
	switch v := v.(type) {
	case string:
		return e.template(v)
	case []any:
		out := make([]any, len(v))
		for i, el := range v {
			var err error
			if out[i], err = e.evaluate(el); err != nil {
				return nil, err
			}
		}
		return out, nil
	case map[string]any:
		out := map[string]any{}
		for k, el := range v {
			var err error
			if out[k], err = e.evaluate(el); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	return v, nil
}

func (e *taskEnv) template(s string) (any, error) {
	expr, diags := hclsyntax.ParseTemplate([]byte(s), "config", hcl.InitialPos)
	if diags.HasErrors() {
		return nil, fmt.Errorf("failed to parse config: %w", diags)
	}
	val, diags := expr.Value(&hcl.EvalContext{Variables: e.variables(expr)})
	if diags.HasErrors() {
		return nil, fmt.Errorf("failed to parse config: %w", diags)
	}
	switch val.Type() {
	case cty.String:
		return val.AsString(), nil
	default:
		return nil, fmt.Errorf("failed to parse config: %q is a %s, want a text", s, val.Type().FriendlyName())
	}
}

// variables returns the roots that a template may use: the environment's names, and env, meta, node and attr.
func (e *taskEnv) variables(expr hcl.Expression) map[string]cty.Value {
	out := map[string]cty.Value{}
	for _, tr := range expr.Variables() {
		switch root := tr.RootName(); root {
		case "env":
			out[root] = stringMap(e.vars)
		case "meta":
			out[root] = stringMap(e.meta)
		case "node", "attr":
			if name, ok := dotted(tr); ok {
				if v, found := e.node.target(name); found {
					out[root] = nest(out[root], strings.Split(name, ".")[1:], v)
				}
			}
		default:
			if v, ok := e.vars[root]; ok {
				out[root] = cty.StringVal(v)
			}
		}
	}
	return out
}

func stringMap(m map[string]string) cty.Value {
	if len(m) == 0 {
		return cty.MapValEmpty(cty.String)
	}
	out := map[string]cty.Value{}
	for k, v := range m {
		out[k] = cty.StringVal(v)
	}
	return cty.MapVal(out)
}

// dotted returns a traversal of attributes as text: node.unique.id.
func dotted(tr hcl.Traversal) (string, bool) {
	parts := []string{tr.RootName()}
	for _, step := range tr[1:] {
		a, ok := step.(hcl.TraverseAttr)
		if !ok {
			return "", false
		}
		parts = append(parts, a.Name)
	}
	return strings.Join(parts, "."), true
}

// nest puts a value at a path into an object.
func nest(obj cty.Value, path []string, v string) cty.Value {
	if len(path) == 0 {
		return cty.StringVal(v)
	}
	fields := map[string]cty.Value{}
	if obj != cty.NilVal && obj.Type().IsObjectType() {
		fields = obj.AsValueMap()
		if fields == nil {
			fields = map[string]cty.Value{}
		}
	}
	fields[path[0]] = nest(fields[path[0]], path[1:], v)
	return cty.ObjectVal(fields)
}
