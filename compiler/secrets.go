package compiler

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/hcl/profile"
)

// secretsTemplate returns a template that a client renders from Nomad variables into the task's environment. change_mode
// is noop because a rotated secret must not kill a busy machine; the next machine gets the new one. A missing variable
// keeps the task waiting and a missing key fails it, each with a message in the task's events.
func secretsTemplate(secrets map[string]profile.Secret) *nomad.Template {
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(secrets)) {
		s := secrets[name]
		item := "." + s.Key
		if !plainKey.MatchString(s.Key) {
			item = "(index . " + strconv.Quote(s.Key) + ")"
		}
		text.WriteString("{{ with nomadVar " + strconv.Quote(s.Path) + " }}" + name + "={{ " + item + ".Value | toJSON }}{{ end }}\n")
	}
	return &nomad.Template{
		EmbeddedTmpl:  new(text.String()),
		DestPath:      new("secrets/machine.env"),
		Envvars:       new(true),
		ChangeMode:    new("noop"),
		Perms:         new("0600"),
		ErrMissingKey: new(true),
	}
}
