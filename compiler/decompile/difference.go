package decompile

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/compiler"
)

// differences adds notes on where the compiled group differs from the job's group of the same name.
func (s *sketch) differences(pool *compiler.Pool) {
	if !s.ours() {
		return
	}
	have, want := s.comparable(pool.Group()), s.comparable(s.group)
	for _, g := range []*nomad.TaskGroup{have, want} {
		g.Name, g.Count, g.Scaling = nil, nil, nil
	}
	n := len(s.notes)
	for _, path := range unlike("", plain(have), plain(want)) {
		s.notef("the job's value of %s", path)
	}
	if len(s.notes) == n && len(s.secretKeys())+len(s.hidden) == 0 {
		s.notef("the agent's instructions in the form of another version of machinectl")
	}
}

func plain(v any) any {
	var out any
	if b, err := json.Marshal(v); err != nil || json.Unmarshal(b, &out) != nil {
		return nil
	}
	return out
}

// unlike returns the paths at which two JSON documents differ.
func unlike(path string, a, b any) []string {
	x, isMap := a.(map[string]any)
	y, both := b.(map[string]any)
	if isMap && both {
		keys := slices.Sorted(maps.Keys(x))
		for k := range y {
			if _, there := x[k]; !there {
				keys = append(keys, k)
			}
		}
		slices.Sort(keys)
		var list []string
		for _, k := range keys {
			list = append(list, unlike(strings.TrimPrefix(path+"."+k, "."), x[k], y[k])...)
		}
		return list
	}
	p, isList := a.([]any)
	q, lists := b.([]any)
	if isList && lists && len(p) == len(q) {
		var list []string
		for i := range p {
			list = append(list, unlike(fmt.Sprintf("%s[%d]", path, i), p[i], q[i])...)
		}
		return list
	}
	if nothing(a) && nothing(b) || sameAny(&a, &b) {
		return nil
	}
	return []string{path}
}

func nothing(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	default:
		return false
	}
}
