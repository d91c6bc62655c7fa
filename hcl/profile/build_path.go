package profile

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/emprops/machinectl/hcl/diag"
)

// shellVariable matches what a shell would replace in a path.
var shellVariable = regexp.MustCompile(`(^|/)\$(\w+|\(|\{)`)

// forShell returns what only a shell would replace in a path, and advice. Both are "" where there is nothing of the kind.
func forShell(text string) (wrong, advice string) {
	switch {
	case strings.HasPrefix(text, "~"):
		return "Only a shell replaces ~ by a home directory, and no shell reads this.", "Write the whole path, such as \"/home/<user>/" + rest(text) + "\"."
	case shellVariable.MatchString(text):
		return fmt.Sprintf("Only a shell replaces %s, and no shell reads this.", strings.TrimPrefix(shellVariable.FindString(text), "/")),
			"Write the whole path, or take its beginning from a variable: \"${var.<name>}/…\"."
	}
	return "", ""
}

// misread returns what is wrong with a path on the machine, wherever it stands, and advice: no shell reads it, and it must not lead
// elsewhere than it seems to. Both are "" for a path that is as it should be.
func misread(text string) (wrong, advice string) {
	if wrong, advice := forShell(text); wrong != "" {
		return wrong, advice
	}
	if !slices.Contains(strings.Split(text, "/"), "..") {
		return "", ""
	}
	advice = "Write the path without \"..\"."
	if clean := path.Clean(text); path.IsAbs(clean) {
		advice = fmt.Sprintf("Write %q.", clean)
	}
	return "With \"..\" it leads elsewhere than it seems to.", advice
}

// rest is a path without its first element.
func rest(text string) string {
	_, rest, _ := strings.Cut(text, "/")
	return rest
}

// checkPath refuses a path that a shell would have to read, or that leads elsewhere than it seems to. It reports whether it did.
func (l *loader) checkPath(text string, at hcl.Range) bool {
	wrong, advice := misread(text)
	if wrong != "" {
		l.report(diag.Error(at, fmt.Sprintf("%q is not a usable path", shownPath(text)), wrong, advice))
	}
	return wrong != ""
}

// shownPath is a path with its run-time values as they are written.
func shownPath(text string) string {
	return Expand(text, nil, func(name string) string { return "${" + name + "}" })
}

// checkMount refuses a place for a volume where the driver puts something of its own.
func (l *loader) checkMount(text string, at hcl.Range) {
	if l.checkPath(text, at) {
		return
	}
	switch wrong := hides(text); {
	case wrong != "":
		l.report(diag.Error(at, fmt.Sprintf("A volume can't be mounted under %q", text), wrong, "Write another path, such as path = \"/data\"."))
	case !isClean(text):
		l.report(diag.Error(at, fmt.Sprintf("%q is written with more than it needs", text), "Two paths that are the same must look the same.", fmt.Sprintf("Write path = %q.", path.Clean(text))))
	}
}

func isClean(text string) bool {
	return path.Clean(text) == strings.TrimSuffix(text, "/") || text == "/"
}

// hides describes what of the task's a volume under a path would hide, or returns "".
func hides(text string) string {
	first, _, inside := strings.Cut(strings.TrimPrefix(path.Clean(text), "/"), "/")
	switch {
	case first == "":
		return "It would hide everything else that the task sees."
	case slices.Contains([]string{"alloc", "local", "secrets"}, first):
		return fmt.Sprintf("/%s is the task's own folder.", first)
	case first == "proc" || first == "sys" || first == "dev" && !inside:
		return fmt.Sprintf("/%s belongs to the system.", first)
	}
	return ""
}

// UsablePath reports whether a command or a file may have this path in a profile.
func UsablePath(text string) bool {
	wrong, _ := misread(text)
	return wrong == ""
}

// Mountable reports whether a volume may be mounted under this path in a profile.
func Mountable(text string) bool { return UsablePath(text) && hides(text) == "" && isClean(text) }
