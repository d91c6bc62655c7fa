package decompile

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/emprops/machinectl/hcl/profile"
	"github.com/emprops/machinectl/hcl/timetext"
)

// body is the content of a block to be written: arguments first, then blocks, each in order.
type body struct {
	path   string   // of its block in the grammar, such as "machine.service"; empty in a nomad block
	notes  []string // comments at its start
	args   []arg
	blocks []*named
}

type arg struct{ name, expression, note string }

type named struct {
	header string // `service "comfyui"`
	note   string // comment above it
	body   *body
}

func (b *body) set(name, expression string) {
	b.args = append(b.args, arg{name: name, expression: expression})
}

func (b *body) str(name, value string) {
	if value != "" {
		b.set(name, quote(value))
	}
}

func (b *body) num(name string, n int) {
	if n != 0 {
		b.set(name, fmt.Sprint(n))
	}
}

// duration writes a time unless it is 0 or usual.
func (b *body) duration(name string, d, usual time.Duration) {
	if d != usual && d > 0 {
		b.set(name, quote(timetext.Exact(d)))
	}
}

// unusual writes an argument unless it has its default.
func unusual[T comparable](b *body, name string, v T) {
	if v == profile.Default[T](b.path+"."+name) {
		return
	}
	switch v := any(v).(type) {
	case time.Duration:
		if v > 0 || profile.TakesZero(b.path+"."+name) {
			b.set(name, quote(timetext.Exact(v)))
		}
	case int64:
		b.size(name, v)
	case string:
		b.str(name, v)
	default:
		b.set(name, fmt.Sprint(v))
	}
}

// section returns a block of that kind that is not in b yet; see [body.optional].
func (b *body) section(kind string) *body { return &body{path: b.inner(kind)} }

// inner returns the path of a block within b.
func (b *body) inner(kind string) string { return strings.TrimPrefix(b.path+"."+kind, ".") }

func (b *body) size(name string, bytes int64) {
	if bytes > 0 {
		b.set(name, quote(profile.FormatSize(bytes)))
	}
}

func (b *body) strings(name string, list []string) {
	if len(list) > 0 {
		b.set(name, quoted(list))
	}
}

// block adds a block with its labels.
func (b *body) block(kind string, labels ...string) *body {
	header := kind
	for _, l := range labels {
		header += " " + quote(l)
	}
	inner := b.section(kind)
	b.blocks = append(b.blocks, &named{header: header, body: inner})
	return inner
}

// optional adds a block unless it would be empty.
func (b *body) optional(kind string, inner *body) {
	if !inner.empty() {
		b.blocks = append(b.blocks, &named{header: kind, body: inner})
	}
}

func (b *body) empty() bool { return len(b.args)+len(b.blocks)+len(b.notes) == 0 }

// write writes the body; depth 0 is the file. Blocks of the upper levels are separated by blank lines.
func (b *body) write(out *strings.Builder, depth int) {
	for _, n := range b.notes {
		comment(out, n)
	}
	for _, a := range b.args {
		fmt.Fprintf(out, "%s = %s", a.name, a.expression)
		if a.note != "" {
			out.WriteString(" # " + oneLine(a.note))
		}
		out.WriteByte('\n')
	}
	for i, n := range b.blocks {
		if depth == 0 && (i > 0 || len(b.notes) > 0) || depth == 1 && i == 0 && len(b.args) > 0 {
			out.WriteByte('\n')
		}
		if n.note != "" {
			comment(out, n.note)
		}
		if in := n.body; len(in.args) == 1 && len(in.blocks)+len(in.notes) == 0 && in.args[0].note == "" && !strings.Contains(in.args[0].expression, "\n") {
			fmt.Fprintf(out, "%s { %s = %s }\n", n.header, in.args[0].name, in.args[0].expression)
			continue
		}
		if n.body.empty() {
			out.WriteString(n.header + " {}\n")
			continue
		}
		out.WriteString(n.header + " {\n")
		n.body.write(out, depth+1)
		out.WriteString("}\n")
	}
}

func comment(out *strings.Builder, text string) { out.WriteString("# " + oneLine(text) + "\n") }

// oneLine replaces line breaks, which would end a comment early.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, text)
}

func quoted(list []string) string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = quote(s)
	}
	return "[" + strings.Join(out, ", ") + "]"
}

// object formats a map with one item per line. Keys are written as names if they are valid identifiers.
func object(items map[string]string) string {
	keys := make([]string, 0, len(items))
	for k := range items {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	if len(keys) == 1 && !strings.Contains(items[keys[0]], "\n") {
		return "{ " + key(keys[0]) + " = " + items[keys[0]] + " }"
	}
	var b strings.Builder
	b.WriteString("{\n")
	for _, k := range keys {
		b.WriteString(key(k) + " = " + items[k] + "\n")
	}
	b.WriteString("}")
	return b.String()
}
