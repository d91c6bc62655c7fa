package decompile

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/hcl/profile"
)

// secretLine matches the line that the compiler writes for a secret environment variable.
var secretLine = regexp.MustCompile(`^\{\{ ?with nomadVar ("(?:[^"\\]|\\.)*") ?\}\}([A-Za-z_][A-Za-z0-9_]*)=\{\{ ?(?:\.([A-Za-z_][A-Za-z0-9_]*)|\(index \. ("(?:[^"\\]|\\.)*")\))(?:\.Value \| toJSON)? ?\}\}\{\{ ?end ?\}\}$`)

// secretsIn returns the secrets in an environment template; ok reports whether it contains nothing else.
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

// environmentOf writes a task's environment: plain values from the job, and secrets.
func (s *sketch) environmentOf(b *body, tasks []*nomad.Task, rt runtime, leaveOut ...string) {
	t := tasks[0]
	items := map[string]string{}
	for name, value := range t.Env {
		if slices.Contains(leaveOut, name) {
			continue
		}
		if !envName.MatchString(name) || strings.HasPrefix(name, "NOMAD_") {
			continue // the comparison handles it
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
