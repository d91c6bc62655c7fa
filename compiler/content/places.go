package content

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	nomad "github.com/hashicorp/nomad/api"
)

// Holding returns, sorted, the places in a group at which a text occurs, described by [Words]. A list of plain values is a
// place, and so is each of its items that contains the text, by its index: "agent: args" and "agent: args [1]".
func Holding(group *nomad.TaskGroup, text string) []string {
	var list []string
	for path, value := range Values(group) {
		if IsOrder(path) || !strings.Contains(value.Text, text) {
			continue
		}
		list = append(list, Words(path))
		for i, item := range value.items() {
			if strings.Contains(fmt.Sprint(item), text) {
				list = append(list, Words(path+plainItem(i)))
			}
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// Hides reports whether the value at a path is sensitive if the values at these places are. A list hides all of its items,
// unless some of them are places of their own: earlier releases name only the list.
func Hides(places []string, path string) bool {
	if slices.Contains(places, Words(path)) {
		return true
	}
	last := strings.LastIndex(path, "\x00")
	if last < 0 || !indexed.MatchString(path[last+1:]) {
		return false
	}
	list := Words(path[:last])
	return slices.Contains(places, list) && !hasItems(places, list)
}

// Together returns the places of several groups as places for all of them. It leaves out the items of a list that one of the
// groups hides as a whole.
func Together(groups ...[]string) []string {
	whole := map[string]bool{}
	for _, places := range groups {
		for _, place := range places {
			whole[place] = whole[place] || !hasItems(places, place)
		}
	}
	var all []string
	for _, place := range slices.Concat(groups...) {
		if list, ok := listOf(place); !ok || !whole[list] {
			all = append(all, place)
		}
	}
	return all
}

// WithoutItems returns the places without the items of lists that are places too.
func WithoutItems(places []string) []string {
	return slices.DeleteFunc(slices.Clone(places), func(place string) bool {
		list, ok := listOf(place)
		return ok && slices.Contains(places, list)
	})
}

// Mask returns the value at a path with mask in place of what the places hide. A list in which all items are hidden is
// masked as a whole.
func (v Value) Mask(places []string, path, mask string) Value {
	list := v.items()
	all := true
	for i := range list {
		if Hides(places, path+plainItem(i)) {
			list[i] = mask
			continue
		}
		all = false
	}
	switch {
	case v.Text == "" && v.JSON == "", !slices.Contains(places, Words(path)):
		return v
	case all:
		return Value{Text: mask, JSON: encoded(mask)}
	default:
		text, _ := joined(list)
		return Value{Text: text, JSON: encoded(list)}
	}
}

// items returns the items of a list of plain values, or nil for any other value.
func (v Value) items() []any {
	if !strings.HasPrefix(v.JSON, "[") {
		return nil
	}
	doc, _ := decoded([]byte(v.JSON))
	list, _ := doc.([]any)
	return list
}

var (
	indexed = regexp.MustCompile(`^\[[0-9]+\]$`)
	itemEnd = regexp.MustCompile(`^(.*) \[[0-9]+\]$`)
)

// plainItem returns the part of a path for an item that is a plain value.
func plainItem(i int) string { return fmt.Sprintf("\x00[%d]", i) }

// listOf returns the place of the list whose item a place is.
func listOf(place string) (list string, ok bool) {
	m := itemEnd.FindStringSubmatch(place)
	if m == nil {
		return "", false
	}
	return m[1], true
}

// hasItems reports whether items of a list are places.
func hasItems(places []string, list string) bool {
	return slices.ContainsFunc(places, func(place string) bool { of, ok := listOf(place); return ok && of == list })
}
