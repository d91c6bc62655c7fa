package decompile

import (
	"maps"
	"slices"

	"github.com/emprops/machinectl/hcl/profile"
)

// driverArguments writes the arguments that the language has for the configuration of a service's driver. What it can't write as
// it is stays for the nomad block.
func (s *sketch) driverArguments(b *body, one *service) {
	t, read := one.task(), one.runtime().config
	for _, a := range profile.DriverArguments(profile.Driver(s.driver)) {
		v, ok := t.Config[a.Name]
		if !ok || t.Driver != s.driver {
			continue
		}
		switch a.Zero.(type) {
		case bool:
			if v == true {
				b.set(a.Name, "true")
			}
		case int, int64:
			if n, ok := v.(float64); ok && n > 0 && n == float64(int64(n)) {
				b.amount(a, int64(n))
			}
		case string:
			if text, ok := literal(read, v); ok {
				b.str(a.Name, text)
			}
		case []string:
			if list, ok := literals(read, v); ok {
				b.strings(a.Name, list)
			}
		case map[string]string:
			if items, ok := literalItems(read, v); ok {
				b.set(a.Name, object(items))
			}
		}
	}
}

func (b *body) amount(a profile.DriverArgument, n int64) {
	if _, isSize := a.Zero.(int64); isSize {
		b.size(a.Name, n)
		return
	}
	b.num(a.Name, int(n))
}

func literal(read func(string) (text, bool), v any) (string, bool) {
	nomadText, ok := v.(string)
	if !ok {
		return "", false
	}
	return literalText(read, nomadText)
}

func literals(read func(string) (text, bool), v any) ([]string, bool) {
	items, ok := v.([]any)
	out := make([]string, len(items))
	for i := 0; i < len(items) && ok; i++ {
		out[i], ok = literal(read, items[i])
	}
	return out, ok && len(out) > 0
}

// literalItems returns the items of a block, as they are written in a profile. In Nomad's JSON, a block is a list of one.
func literalItems(read func(string) (text, bool), v any) (map[string]string, bool) {
	list, _ := v.([]any)
	if len(list) != 1 {
		return nil, false
	}
	block, ok := list[0].(map[string]any)
	out := make(map[string]string, len(block))
	for _, name := range slices.Sorted(maps.Keys(block)) {
		text, isText := literal(read, block[name])
		ok = ok && isText
		out[name] = quote(text)
	}
	return out, ok && len(out) > 0
}
