package decompile

import (
	"cmp"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/compiler/content"
	"github.com/emprops/machinectl/hcl/manifest"
	"github.com/emprops/machinectl/hcl/profile"
)

// What looks like a secret. The patterns match too much rather than too little, because a user can restore what was
// removed by mistake.
var (
	// secretName matches a key whose value is a secret.
	secretName = regexp.MustCompile(`(?i)pass(word|wd|phrase|code)|secret|token|credential|api[_-]?key|access[_-]?key|private[_-]?key|signing|bearer|` +
		`(^|[_.-])(key|pwd|pass|auth|authorization|dsn|salt|cookie|license)$`)
	// harmless matches values of such keys that are not secrets.
	harmless = regexp.MustCompile(`^(|[0-9]{1,6}|(?i:true|false|yes|no|on|off|none|null)|[0-9.]+(ms|s|m|h))$`)
	// secretValue matches a value that is a secret, whatever its key.
	secretValue = regexp.MustCompile(`://[^/\s@]*:[^/\s@]+@|://[^/\s:@]{16,}@|` + // a URL with a password or token
		`\b(sk|rk|pk|r8|hf|rpa|ghp|gho|ghs|ghu|npm|dop_v1|shpat)[-_][A-Za-z0-9_-]{8,}|github_pat_|glpat-|xox[abprs]-|` +
		`\b(AKIA|ASIA)[A-Z0-9]{12,}|\beyJ[A-Za-z0-9_-]{10,}\.|\bhvs\.|-----BEGIN|(?i)\b(bearer|basic)\s+[a-z0-9+/=._-]{8,}|` +
		// something=value, also within a longer text or a URL's query
		`(?i)[a-z0-9_.-]*(password|passwd|passphrase|secret|token|credential|api[_-]?key|access[_-]?key|private[_-]?key|signature|[?&]sig)["']?\s*[=:]\s*["']?[^\s"'{$<]{3}`)
	// secretFlag matches an argument that is followed by a secret.
	secretFlag  = regexp.MustCompile(`(?i)^-{1,2}[a-z0-9_.-]*(password|passwd|passphrase|secret|token|credential|api[_-]?key|access[_-]?key|private[_-]?key|auth|pwd|pass)$`)
	word        = regexp.MustCompile(`[A-Za-z0-9+/=_-]{20,}`)
	uuid        = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	hexadecimal = regexp.MustCompile(`^[0-9a-fA-F]{32,}$`)
)

// sensitive reports whether a value looks like a secret. name is its key, or empty.
func sensitive(name, value string) bool {
	if name != "" && secretName.MatchString(name) && !harmless.MatchString(value) && !isReference(value) {
		return true
	}
	if secretValue.MatchString(value) {
		return true
	}
	// Checksums are not secrets, and are recognized by their prefix.
	for _, w := range word.FindAllString(value, -1) {
		if random(w) && !strings.Contains(value, "sha256:") && !strings.Contains(value, "md5:") && !strings.Contains(value, "sha512:") {
			return true
		}
	}
	return false
}

// isReference reports whether a value only refers to the real one, which exists on the machine.
func isReference(value string) bool {
	return envReference.MatchString(value) && envReference.ReplaceAllString(value, "") == "" || strings.HasPrefix(value, "{{")
}

// random reports whether a word looks like a key: long, with letters in both cases and digits, or a long hexadecimal
// number.
func random(w string) bool {
	if hexadecimal.MatchString(w) {
		return true
	}
	if uuid.MatchString(w) || strings.Count(w, "/") > 1 {
		return false
	}
	upper, lower, digits := 0, 0, 0
	for _, r := range w {
		switch {
		case r >= 'A' && r <= 'Z':
			upper++
		case r >= 'a' && r <= 'z':
			lower++
		case r >= '0' && r <= '9':
			digits++
		}
	}
	return upper >= 3 && lower >= 3 && digits >= 3
}

// hidden is a text that was replaced by a variable in the profile. The variable's default is the job's current value.
type hidden struct{ name, standIn, where string }

// redaction removes secrets from one group.
type redaction struct {
	pool   string
	hidden []hidden
	taken  map[string]bool // names of variables
	// env holds secret environment variables, by task.
	env   map[string]map[string]profile.Secret
	notes []string
	// places holds the places of sensitive values that a compiled group lists, in the words of package content.
	places []string
}

// sensitive reports whether a value looks like a secret, or the group lists it as one. path is its place, see [content.Of].
func (r *redaction) sensitive(name, value, path string) bool {
	return sensitive(name, value) || value != "" && content.Hides(r.places, path)
}

// instructionPath returns the path of a part of the agent's instructions.
func instructionPath(parts ...string) string {
	return strings.Join(append([]string{"", "Tasks", manifest.TaskAgent, "Templates", "local/machine.json", "EmbeddedTmpl"}, parts...), "\x00")
}

// group removes secrets from the group and its tasks, in place.
func (r *redaction) group(g *nomad.TaskGroup) {
	for _, t := range g.Tasks {
		r.environment(t)
		t.Templates = slices.DeleteFunc(t.Templates, func(tmpl *nomad.Template) bool {
			at := "\x00Tasks\x00" + t.Name + "\x00Templates\x00" + deref(tmpl.DestPath) + "\x00EmbeddedTmpl"
			if tmpl.EmbeddedTmpl == nil || !r.sensitive("", *tmpl.EmbeddedTmpl, at) {
				return false
			}
			r.notes = append(r.notes, fmt.Sprintf("the template %[2]s of task %[1]s (it seems to contain a secret)", t.Name, deref(tmpl.DestPath)))
			return true
		})
	}
	r.walk(reflect.ValueOf(g).Elem(), "", "group", "")
}

// environment turns a task's secret variables into secret() values.
func (r *redaction) environment(t *nomad.Task) {
	for name, value := range t.Env {
		switch {
		case !r.sensitive(name, value, "\x00Tasks\x00"+t.Name+"\x00Env\x00"+name):
			continue
		case !envName.MatchString(name) || strings.HasPrefix(name, "NOMAD_"): // the language doesn't allow it
			t.Env[name] = r.hide("task "+t.Name+" env "+name, value)
			continue
		}
		if r.env[t.Name] == nil {
			r.env[t.Name] = map[string]profile.Secret{}
		}
		r.env[t.Name][name] = r.secret(name)
		delete(t.Env, name)
	}
}

// secret returns where to store a secret.
func (r *redaction) secret(name string) profile.Secret {
	return profile.Secret{Path: "machines/" + r.pool, Key: strings.ToLower(name)}
}

// walk replaces every secret text. key is the value's name, path its place as messages show it, and at its path in package
// content.
func (r *redaction) walk(v reflect.Value, key, path, at string) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			r.walk(v.Elem(), key, path, at)
		}
	case reflect.Interface:
		if !v.IsNil() {
			inner := reflect.New(v.Elem().Type()).Elem()
			inner.Set(v.Elem())
			r.walk(inner, key, path, at)
			v.Set(inner)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && !structural(f.Name) {
				r.walk(v.Field(i), hclName(f), r.named(path, v, cmp.Or(hclName(f), strings.ToLower(f.Name))), at+"\x00"+f.Name)
			}
		}
	case reflect.Map:
		for _, k := range sortedKeys(v) {
			item := reflect.New(v.Type().Elem()).Elem()
			item.Set(v.MapIndex(reflect.ValueOf(k)))
			r.walk(item, k, path+" "+k, at+"\x00"+k)
			v.SetMapIndex(reflect.ValueOf(k), item)
		}
	case reflect.Slice:
		for i := range v.Len() {
			inner := key
			if i > 0 && secretFlag.MatchString(stringOf(v.Index(i-1))) {
				inner = "secret"
			}
			r.walk(v.Index(i), inner, path, at+content.ItemPath(v.Index(i).Interface(), i))
		}
	case reflect.String:
		if r.sensitive(key, v.String(), at) {
			v.SetString(r.hide(path, v.String()))
		}
	}
}

// structural reports whether a field holds names that Nomad knows, or templates, which are checked elsewhere.
func structural(field string) bool {
	switch field {
	case "Name", "Driver", "Type", "Operand", "LTarget", "DestPath", "PortLabel", "Label", "Provider", "KillSignal", "Mode", "EmbeddedTmpl", "Scaling", "Identity", "Identities":
		return true
	default:
		return false
	}
}

func (r *redaction) named(path string, v reflect.Value, field string) string {
	if t, ok := v.Interface().(nomad.Task); ok {
		return "task " + t.Name + " " + field
	}
	return path + " " + field
}

var notInVariable = regexp.MustCompile(`[^a-z0-9]+`)

// hide replaces a text by a variable and returns its placeholder, which is a path where the text is one.
func (r *redaction) hide(where, text string) string {
	base := strings.Trim(notInVariable.ReplaceAllString(strings.ToLower(strings.TrimPrefix(where, "task ")), "_"), "_")
	if base == "" || base[0] >= '0' && base[0] <= '9' {
		base = "secret_" + base
	}
	name := base
	for n := 2; r.taken[name]; n++ {
		name = fmt.Sprintf("%s_%d", base, n)
	}
	r.taken[name] = true
	h := hidden{name: name, standIn: standIn(name), where: where}
	if strings.HasPrefix(text, "/") {
		h.standIn = "/" + h.standIn
	}
	r.hidden = append(r.hidden, h)
	return h.standIn
}

func standIn(name string) string { return "change-me-" + strings.ReplaceAll(name, "_", "-") }

// variable returns the variable that a placeholder stands for.
func (r *redaction) variable(s string) (string, bool) {
	i := slices.IndexFunc(r.hidden, func(h hidden) bool { return h.standIn == s })
	if i < 0 {
		return "", false
	}
	return "var." + r.hidden[i].name, true
}
