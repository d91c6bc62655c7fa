package decompile

import (
	"strings"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/hcl/manifest"
	"github.com/emprops/machinectl/hcl/profile"
)

// expression writes a text that Nomad expands in the given way. What a profile can't express is written literally, and
// the comparison corrects it.
func (s *sketch) expression(nomadText string, read func(string) (text, bool)) string {
	if name, ok := s.variable(nomadText); ok {
		return name
	}
	t, ok := read(nomadText)
	if !ok {
		return quote(nomadText)
	}
	return t.expression()
}

// constant is like [sketch.expression], for arguments that take no run-time values.
func (s *sketch) constant(nomadText string, read func(string) (text, bool)) string {
	if name, ok := s.variable(nomadText); ok {
		return name
	}
	if literal, ok := literalText(read, nomadText); ok {
		return quote(literal)
	}
	return quote(nomadText)
}

// literalText returns a text without its escapes; ok is false if it has run-time values.
func literalText(read func(string) (text, bool), nomadText string) (string, bool) {
	t, ok := read(nomadText)
	switch {
	case !ok || len(t) > 1 || len(t) == 1 && t[0].value != "":
		return "", false
	case len(t) == 0:
		return "", true
	default:
		return t[0].literal, true
	}
}

// program returns what a task runs: the entrypoint or command, and the arguments.
func program(t *nomad.Task) (command string, args []string) {
	list := func(name string) (out []string) {
		items, _ := t.Config[name].([]any)
		for _, item := range items {
			text, _ := item.(string)
			out = append(out, text)
		}
		return out
	}
	command, args = configText(t, "command"), list("args")
	if _, image := t.Config["image"]; !image && t.Driver != "docker" {
		return command, args
	}
	// The image's entrypoint gets the command and the arguments, unless the config sets another entrypoint.
	if command != "" {
		args = append([]string{command}, args...)
	}
	if entry := list("entrypoint"); len(entry) > 0 {
		return entry[0], append(entry[1:len(entry):len(entry)], args...)
	}
	return "", args
}

func configText(t *nomad.Task, name string) string {
	text, _ := t.Config[name].(string)
	return text
}

// command returns what a task starts, or "" if its image decides that.
func command(t *nomad.Task) string {
	name, args := program(t)
	if name == "" && len(args) > 0 {
		return args[0]
	}
	return name
}

// inNomadBlock stands for the commands of a machine that has one which a profile refuses. The comparison finds that they differ, and
// the nomad block gets them as they are.
const inNomadBlock = "/see/the/nomad/block"

// run writes a task's command, arguments and environment.
func (s *sketch) run(b *body, cmd string, tasks []*nomad.Task, args [][]string, rt runtime, leaveOut ...string) {
	switch {
	case cmd == "":
	case s.standIns:
		b.set("command", quote(inNomadBlock))
	default:
		b.set("command", s.expression(cmd, rt.config))
	}
	if len(args[0]) > 0 {
		list, said := make([]string, len(args[0])), true
		for i, a := range args[0] {
			_, ok := rt.config(a)
			said = said && ok
			list[i] = s.perGPU(a, sibling(args, i), rt.config)
		}
		if said { // else the comparison handles it
			b.set("args", "["+strings.Join(list, ", ")+"]")
		}
	}
	s.environmentOf(b, tasks, rt, leaveOut...)
}

// sibling returns the second instance's text at the same position, or "" if there is none.
func sibling(args [][]string, i int) string {
	if len(args) < 2 || i >= len(args[1]) {
		return ""
	}
	return args[1][i]
}

// perGPU writes a text of the first instance. A 0 that is a 1 in the second instance is the GPU's index.
func (s *sketch) perGPU(first, second string, read func(string) (text, bool)) string {
	a, okA := read(first)
	b, okB := read(second)
	if _, isSecret := s.variable(first); isSecret || !okA || !okB || second == "" {
		return s.expression(first, read)
	}
	x, y := a.runes(), b.runes()
	if len(x) != len(y) {
		return s.expression(first, read)
	}
	var out text
	for i := range x {
		switch {
		case x[i] == y[i] && x[i].value == "":
			out = out.add(x[i].literal)
		case x[i] == y[i]:
			out = append(out, x[i])
		case x[i].literal == "0" && y[i].literal == "1":
			out = append(out, piece{value: profile.SelfGPU})
		default:
			return s.expression(first, read)
		}
	}
	return out.expression()
}

// arguments returns each instance's arguments, with the first one's port in all of them.
func (s *sketch) arguments(one *service) [][]string {
	var out [][]string
	for _, t := range one.tasks {
		_, args := program(t)
		for i := range args {
			args[i] = s.asFirst(args[i], t, one)
		}
		out = append(out, args)
	}
	return out
}

// asFirst returns an instance's text with its port replaced by the first instance's.
func (s *sketch) asFirst(text string, t *nomad.Task, one *service) string {
	if one.port == "" || t == one.task() {
		return text
	}
	own := manifest.PortLabel(t.Name)
	for _, prefix := range []string{"NOMAD_PORT_", "NOMAD_ADDR_"} {
		text = strings.ReplaceAll(text, "${"+prefix+own+"}", "${"+prefix+one.port+"}")
	}
	return text
}
