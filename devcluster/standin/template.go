package standin

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/template"

	"github.com/hashicorp/nomad/api"
)

// missingVariableError is returned if a template reads a Nomad variable that doesn't exist.
type missingVariableError struct{ path string }

func (m missingVariableError) Error() string { return "nomad.var.block(" + m.path + ")" }

// renderTemplate writes one template block. Besides the functions of Go's template language, it supports
// consul-template's nomadVar, env and toJSON.
func renderTemplate(s *store, env *taskEnv, t *api.Template, taskDir string) error {
	text := deref(t.EmbeddedTmpl)
	if src := deref(t.SourcePath); src != "" {
		path, err := inside(taskDir, env.replace(src))
		if err != nil {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		text = string(b)
	}
	left, right := deref(t.LeftDelim), deref(t.RightDelim)
	tmpl, err := template.New(deref(t.DestPath)).Delims(left, right).Option(missingKey(t)).Funcs(template.FuncMap{
		"nomadVar": func(path string) (map[string]varItem, error) { return s.variable(env.vars["NOMAD_NAMESPACE"], path) },
		"env":      func(name string) string { v, _ := env.lookup(name); return v },
		"toJSON":   toJSON,
	}).Parse(text)
	if err != nil {
		return fmt.Errorf("parse (the stand-in knows the functions nomadVar, env and toJSON): %w", err)
	}
	var out bytes.Buffer
	if err := tmpl.Execute(&out, nil); err != nil {
		return err
	}
	if deref(t.Envvars) {
		readEnvFile(env, out.String())
	}
	dest, err := inside(taskDir, env.replace(deref(t.DestPath)))
	if err != nil {
		return err
	}
	perms, err := strconv.ParseUint(deref(t.Perms), 8, 32)
	if err != nil {
		return fmt.Errorf("perms %q: want octal digits such as 0644", deref(t.Perms))
	}
	if err := os.MkdirAll(filepath.Dir(dest), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(dest+".new", out.Bytes(), os.FileMode(perms)); err != nil {
		return err
	}
	return os.Rename(dest+".new", dest)
}

// varItem is one item of a Nomad variable, which prints as its value.
type varItem struct{ Key, Value string }

func (i varItem) String() string { return i.Value }

func toJSON(v any) (string, error) {
	b, err := json.Marshal(v)
	return string(b), err
}

func missingKey(t *api.Template) string {
	if deref(t.ErrMissingKey) {
		return "missingkey=error"
	}
	return "missingkey=default"
}

// variable returns a Nomad variable's items. The path may end in @namespace.
func (s *store) variable(namespace, path string) (map[string]varItem, error) {
	if p, ns, ok := strings.Cut(path, "@"); ok {
		path, namespace = p, ns
	}
	var items map[string]varItem
	s.read(func() {
		if v := s.vars[jobKey{namespace, path}]; v != nil {
			items = map[string]varItem{}
			for k, value := range v.Items {
				items[k] = varItem{k, value}
			}
		}
	})
	if items == nil {
		return nil, missingVariableError{path + "@" + namespace + ".global"}
	}
	return items, nil
}

// readEnvFile adds KEY=value lines to the environment, as a template with env = true does.
func readEnvFile(env *taskEnv, text string) {
	for _, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		k, v, ok := strings.Cut(line, "=")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		v = strings.TrimSpace(v)
		if u, err := strconv.Unquote(v); err == nil {
			v = u
		}
		env.vars[strings.TrimSpace(k)] = v
	}
}

// inside resolves a path from a job. Relative paths are below the task's folder; absolute ones must be below the
// allocation's.
func inside(taskDir, path string) (string, error) {
	full := path
	if !filepath.IsAbs(full) {
		full = filepath.Join(taskDir, path)
	}
	rel, err := filepath.Rel(filepath.Dir(taskDir), full)
	if err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return "", fmt.Errorf("path %q escapes the allocation's folder", path)
	}
	return full, nil
}
