package decompile

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/emprops/machinectl/hcl/timetext"
)

// literal formats a Go value for a nomad block, where text is in Nomad's syntax.
func (r *redaction) literal(v reflect.Value) string {
	if v.Type() == reflect.TypeFor[time.Duration]() {
		return quote(timetext.Exact(time.Duration(v.Int())))
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return "null"
		}
		return r.literal(v.Elem())
	case reflect.String:
		return r.literalText(v.String())
	case reflect.Slice:
		items := make([]string, v.Len())
		for i := range items {
			items[i] = r.literal(v.Index(i))
		}
		return "[" + strings.Join(items, ", ") + "]"
	case reflect.Map:
		items := map[string]string{}
		for _, k := range sortedKeys(v) {
			items[k] = r.literal(v.MapIndex(reflect.ValueOf(k)))
		}
		return object(items)
	case reflect.Float32, reflect.Float64:
		return strconv.FormatFloat(v.Float(), 'f', -1, 64)
	default:
		return fmt.Sprint(v.Interface())
	}
}

// literalText formats a text, or the variable that it stands for.
func (r *redaction) literalText(s string) string {
	if name, ok := r.variable(s); ok {
		return name
	}
	return quote(s)
}

// argument formats a value that follows its name directly, where a text may have several lines.
func (r *redaction) argument(v reflect.Value) string {
	s := stringOf(v)
	if _, hidden := r.variable(s); !hidden && strings.Count(s, "\n") > 1 && strings.HasSuffix(s, "\n") && !strings.ContainsFunc(s, unprintable) {
		return heredoc(s)
	}
	return r.literal(v)
}

func unprintable(r rune) bool {
	return r < ' ' && r != '\n' && r != '\t' || r == 0x7f || r == '\uFFFD' || r == '\u2028' || r == '\uFEFF'
}

// heredoc formats a text of several lines that ends with a newline.
func heredoc(s string) string {
	mark := "EOT"
	for slices.Contains(strings.Fields(s), mark) {
		mark += "T"
	}
	return "<<" + mark + "\n" + strings.NewReplacer("${", "$${", "%{", "%%{").Replace(s) + mark
}

func key(k string) string {
	if hclsyntax.ValidIdentifier(k) {
		return k
	}
	return quote(k)
}

// hclName returns a field's name in Nomad's job files, or "" if it has none: labels, and fields that only programs set.
func hclName(f reflect.StructField) string {
	name, kind, _ := strings.Cut(f.Tag.Get("hcl"), ",")
	if kind == "label" || kind == "remain" {
		return ""
	}
	return name
}

func isBlock(f reflect.StructField) bool { return strings.HasSuffix(f.Tag.Get("hcl"), ",block") }

func sortedKeys(v reflect.Value) []string {
	keys := make([]string, 0, v.Len())
	for _, k := range v.MapKeys() {
		keys = append(keys, k.String())
	}
	slices.Sort(keys)
	return keys
}

// empty reports whether a field is unset. A pointer to a zero value is set.
func empty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Slice, reflect.Map:
		return v.Len() == 0
	default:
		return v.IsZero()
	}
}

func stringOf(v reflect.Value) string {
	for v.Kind() == reflect.Interface || v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return ""
		}
		v = v.Elem()
	}
	if v.Kind() == reflect.String {
		return v.String()
	}
	return ""
}

func deref[T any](p *T) T {
	var zero T
	if p == nil {
		return zero
	}
	return *p
}
