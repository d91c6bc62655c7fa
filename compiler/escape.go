package compiler

import (
	"regexp"
	"strings"

	"github.com/emprops/machinectl/hcl/profile"
)

// Nomad expands text differently depending on its place. These are the rules in the source of Nomad's client, tested
// on a running one:
//
//   - A task's config is an HCL template: "${" and "%{" start an expression, "$${" and "%%{" are the escapes.
//   - Environment values, check paths and artifact sources go through one regular expression: "${NAME}" is replaced if
//     NAME is known (which includes the client's own environment), else left alone. There is no escape. But the result
//     isn't scanned again, so the dollar itself can come from a known name: [dollarMeta].
//   - Template data is parsed by consul-template. Its delimiters are chosen so that they can't occur in the data.

// dollarMeta is the key of a task's meta whose value is a dollar sign. Only tasks that need it have it.
const dollarMeta = "dollar"

// envReference matches what Nomad treats as a reference in an environment value.
var envReference = regexp.MustCompile(`\$(\{[a-zA-Z0-9_\-.]+\})`)

// selfer knows what self.* means in one task.
type selfer struct {
	port string // Nomad port label
	gpu  string // index, as text
}

// reference returns the name under which a Nomad client knows a run-time value, or the value itself if it is known now.
func (s selfer) reference(name string) (ref, known string) {
	switch name {
	case profile.SelfPort:
		return "NOMAD_PORT_" + s.port, ""
	case profile.SelfAddr:
		return "NOMAD_ADDR_" + s.port, ""
	case profile.SelfGPU:
		return "", s.gpu
	case profile.NomadAllocID:
		return "NOMAD_ALLOC_ID", ""
	case profile.NomadAllocIndex:
		return "NOMAD_ALLOC_INDEX", ""
	case profile.NomadAllocDir:
		return "NOMAD_ALLOC_DIR", ""
	case profile.NomadTaskDir:
		return "NOMAD_TASK_DIR", ""
	case profile.NomadSecretsDir:
		return "NOMAD_SECRETS_DIR", ""
	case profile.NomadNodeName:
		return "node.unique.name", ""
	default:
		panic("compiler: unknown run-time value " + name)
	}
}

func (s selfer) interpolation(name string) string {
	ref, known := s.reference(name)
	if ref == "" {
		return known
	}
	return "${" + ref + "}"
}

// config escapes a string for a driver's config.
func (s selfer) config(text string) string {
	return profile.Expand(text, escapeTemplate, s.interpolation)
}

func (s selfer) configs(texts []string) []string {
	out := make([]string, len(texts))
	for i, t := range texts {
		out[i] = s.config(t)
	}
	return out
}

// escapeTemplate makes an HCL template of literal text. It writes dollar and percent signs at the end as an expression of
// their own, because a run-time value may follow, and "$" before "${" would be the escape.
func escapeTemplate(text string) string {
	body := strings.TrimRight(text, "$%")
	escaped := strings.NewReplacer("${", "$${", "%{", "%%{").Replace(body)
	if end := text[len(body):]; end != "" {
		escaped += `${"` + end + `"}`
	}
	return escaped
}

// env escapes a string for an environment variable, a check's path or an artifact's source. needsDollar reports whether
// the task must have [dollarMeta].
func (s selfer) env(text string) (out string, needsDollar bool) {
	out = profile.Expand(text, func(literal string) string {
		if !envReference.MatchString(literal) {
			return literal
		}
		needsDollar = true
		return envReference.ReplaceAllString(literal, "$${NOMAD_META_"+dollarMeta+"}$1")
	}, s.interpolation)
	return out, needsDollar
}

// Delimiters of the agent's document in its template. JSON as Go writes it holds neither: it escapes < and >.
const (
	docLeft  = "<<<"
	docRight = ">>>"
)

// document puts run-time values into JSON as template actions. The text is already encoded by [json.Marshal]. The
// run-time values need no escaping in JSON, because they are directories, addresses and names.
func (s selfer) document(text string) string {
	return profile.Expand(text, nil, func(name string) string {
		ref, known := s.reference(name)
		if ref == "" {
			return known
		}
		return docLeft + ` env "` + ref + `" ` + docRight
	})
}
