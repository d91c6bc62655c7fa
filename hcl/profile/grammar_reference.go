package profile

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/emprops/machinectl/hcl/manifest"
)

// Reference returns the language's reference in Markdown, made from the grammar that decoding uses. Its headings start at the
// second level, so that it can stand within a page.
func Reference() string {
	var out strings.Builder
	out.WriteString("## Blocks\n\n")
	root := language()
	for _, b := range root.blocks {
		writeBlock(&out, b, nil)
	}
	writeBlock(&out, dynamicBlock(), nil)
	out.WriteString("## Run-time values\n\nKnown on the machine only. They may stand in strings of the arguments marked with ᵒ (nomad) or ˢ (self and nomad).\n\n| value | |\n|---|---|\n")
	for _, name := range placeholderNames() {
		fmt.Fprintf(&out, "| `%s` | %s |\n", name, placeholderDoc(name))
	}
	writeConnectors(&out)
	out.WriteString("\n## Functions\n\n| call | |\n|---|---|\n")
	all := newLoader(Options{}).scope.functions
	for _, name := range slices.Sorted(maps.Keys(all)) {
		f := all[name]
		var params []string
		for _, p := range f.Params() {
			params = append(params, p.Name)
		}
		if p := f.VarParam(); p != nil {
			params = append(params, p.Name+"…")
		}
		fmt.Fprintf(&out, "| `%s(%s)` | %s |\n", name, strings.Join(params, ", "), cell(f.Description()))
	}
	return out.String()
}

// writeConnectors writes what a worker's connector may be, and its settings.
func writeConnectors(out *strings.Builder) {
	out.WriteString("\n## Connectors\n\n| connector | runs | settings |\n|---|---|---|\n")
	for _, c := range manifest.Connectors() {
		if !c.Implemented {
			continue
		}
		settings := make([]string, len(c.Settings))
		for i, s := range c.Settings {
			settings[i] = fmt.Sprintf("`%s`: %s, default `%s`. %s", s.Name, s.Type, s.Default, s.Doc)
		}
		fmt.Fprintf(out, "| `%s` | %s | %s |\n", c.Name, cell(c.Doc), cell(strings.Join(settings, " ")))
	}
	fmt.Fprintf(out, "\nPlanned, and refused until an agent has them: %s.\n", strings.Join(connectors(false), ", "))
}

// writeBlock writes a block's section and those of the blocks within it.
func writeBlock(out *strings.Builder, b *block, path []string) {
	path = append(slices.Clone(path), b.name)
	title := strings.Join(path, ".")
	if b.label != "" {
		title += fmt.Sprintf(" %q", "<"+b.label+">")
	}
	fmt.Fprintf(out, "### `%s`\n\n%s%s\n\n", title, cell(b.doc), repetition(b))
	if len(b.args) > 0 {
		out.WriteString("| argument | takes | default | |\n|---|---|---|---|\n")
	}
	for i := range b.args {
		a := &b.args[i]
		fmt.Fprintf(out, "| `%s`%s%s | %s | %s | %s |\n", a.name, []string{"", "ᵒ", "ˢ"}[a.runtime], map[bool]string{true: "ᵐ"}[a.hides], cell(a.takes()), cell(a.otherwise()), cell(a.doc))
	}
	if len(b.args) > 0 {
		out.WriteString("\n")
	}
	if b.name == "override" {
		out.WriteString("All arguments and blocks of [machine](#machine-name) but `extends` and `for_each`.\n\n")
		return
	}
	for _, c := range b.blocks {
		writeBlock(out, c, path)
	}
}

func repetition(b *block) string {
	switch {
	case b.open:
		return " Takes any argument and block."
	case b.many:
		return " May be repeated."
	case b.label != "" && !b.single:
		return " One per name."
	default:
		return ""
	}
}

// takes describes what an argument takes.
func (a *argument) takes() string {
	switch {
	case a.name == "for_each":
		return "a list or a map"
	case a.name == "inputs":
		return "a map"
	case a.literal && (a.name == "condition" || a.name == "error_message"):
		return "an expression"
	case a.literal && a.name == "type":
		return "a type"
	case a.literal:
		return "a constant"
	case len(a.oneOf) > 0:
		return quoteAll(a.oneOf)
	case a.typ == typeSize && a.max > 0:
		return fmt.Sprintf("a size in quotes, from %s to %s", FormatSize(int64(a.min)<<20), FormatSize(int64(a.max)<<20))
	case a.typ == typeInt && a.max > 0:
		return fmt.Sprintf("%d to %d", a.min, a.max)
	case a.typ == typeInt:
		return fmt.Sprintf("a whole number, at least %d", a.min)
	default:
		return a.typ.String()
	}
}

// otherwise describes what applies if an argument is left out.
func (a *argument) otherwise() string {
	switch {
	case a.required:
		return "**required**"
	case a.fallback == "":
		return a.unless
	default:
		return "`" + a.fallback + "`"
	}
}

// cell makes text fit into a table's cell.
func cell(text string) string {
	return strings.NewReplacer("|", "\\|", "\n", " ", "<", "&lt;").Replace(text)
}

func placeholderDoc(name string) string {
	//nolint:gosec // documentation of a directory, no credentials
	return map[string]string{
		SelfPort: "The service instance's port number.", SelfAddr: "Its address, host:port.",
		SelfGPU:      "The index of its GPU in the machine, from 0; empty in a machine's CPU-only form.",
		NomadAllocID: "The allocation's id, which is the machine's.", NomadAllocIndex: "The machine's index in its group.",
		NomadAllocDir: "The directory that all tasks of the machine share.", NomadTaskDir: "The task's own local directory.",
		NomadSecretsDir: "The task's own directory in memory.", NomadNodeName: "The Nomad client's name.",
	}[name]
}
