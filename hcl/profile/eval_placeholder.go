package profile

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Run-time values are known on the Nomad client only: a dynamic port, the allocation's directory. In profile text they
// are the objects self and nomad; evaluation turns each into one private-use rune inside an ordinary string, so that
// every expression and most functions carry it along, and [Expand] finds it again. A single rune can't be torn apart by
// substr, split, upper or the like.

// The run-time values, as [Expand] names them.
const (
	SelfPort        = "self.port"         // the service instance's port number
	SelfAddr        = "self.addr"         // the service instance's host:port
	SelfGPU         = "self.gpu"          // the index in the machine of the service instance's GPU, from 0
	NomadAllocID    = "nomad.alloc_id"    // the allocation's id, which is the machine's
	NomadAllocIndex = "nomad.alloc_index" // the machine's index in its group
	NomadAllocDir   = "nomad.alloc_dir"   // the directory that all tasks of the machine share
	NomadTaskDir    = "nomad.task_dir"    // the task's own local directory
	NomadSecretsDir = "nomad.secrets_dir" // the task's own directory in memory
	NomadNodeName   = "nomad.node_name"   // the Nomad client's name
)

// placeholderNames lists the run-time values by name; the rune that stands for a value is firstPlaceholder plus its position here.
func placeholderNames() []string {
	return []string{
		SelfPort, SelfAddr, SelfGPU, NomadAllocID, NomadAllocIndex, NomadAllocDir, NomadTaskDir, NomadSecretsDir, NomadNodeName,
	}
}

const (
	firstPlaceholder = '\uE000'
	// firstSecret starts the range of runes that stand for secret() references; see secrets.
	firstSecret = '\U000F0000'
	lastSecret  = '\U000FFFFD'
)

// placeholder returns the rune that stands for a run-time value, as a string.
func placeholder(name string) string {
	for i, n := range placeholderNames() {
		if n == name {
			return string(firstPlaceholder + rune(i))
		}
	}
	panic("profile: no run-time value " + name)
}

// placeholderName returns the name for which placeholder returns a rune.
func placeholderName(r rune) (string, bool) {
	names := placeholderNames()
	if i := int(r - firstPlaceholder); i >= 0 && i < len(names) {
		return names[i], true
	}
	return "", false
}

// Reserved reports whether a character stands for something else in the texts of a [Profile]: a run-time value, a secret()
// reference, or a sensitive value. No text that a user gives can contain it.
func Reserved(r rune) bool {
	_, runtime := placeholderName(r)
	return runtime || isSecretRune(r) || string(r) == Hidden
}

// reservedIn names the first reserved character in a text, or returns "".
func reservedIn(text string) string {
	if i := strings.IndexFunc(text, Reserved); i >= 0 {
		r, _ := utf8.DecodeRuneInString(text[i:])
		return fmt.Sprintf("U+%04X", r)
	}
	return ""
}

// placeholdersIn lists the run-time values a string uses, in order of their first use.
func placeholdersIn(s string) []string {
	var found []string
	seen := map[string]bool{}
	for _, r := range s {
		if name, ok := placeholderName(r); ok && !seen[name] {
			seen[name] = true
			found = append(found, name)
		}
	}
	return found
}

// Expand rebuilds a string of a [Profile] for its place of use: each stretch of plain text passes through literal (for
// escaping), each run-time value becomes what value returns for its name, one of the constants of this package such as
// [SelfPort]. A nil function leaves that part as it is; for a value this is its name in braces, for people.
func Expand(s string, literal func(string) string, value func(name string) string) string {
	if literal == nil {
		literal = func(s string) string { return s }
	}
	if value == nil {
		value = func(name string) string { return "{" + name + "}" }
	}
	var out strings.Builder
	start := 0
	for i, r := range s {
		name, ok := placeholderName(r)
		if !ok {
			continue
		}
		if start < i {
			out.WriteString(literal(s[start:i]))
		}
		out.WriteString(value(name))
		start = i + len(string(r))
	}
	if start < len(s) {
		out.WriteString(literal(s[start:]))
	}
	return out.String()
}
