package plan

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/compiler/content"
	"github.com/emprops/machinectl/hcl/manifest"
	"github.com/emprops/machinectl/hcl/timetext"
)

// policyChanges compares the size and scaling of two policies.
func policyChanges(before, after manifest.Policy) []Change {
	var list []Change
	add := func(what string, b, a any) {
		if fmt.Sprint(b) != fmt.Sprint(a) {
			list = append(list, Change{What: what, Before: fmt.Sprint(b), After: fmt.Sprint(a)})
		}
	}
	if before.Version == 0 {
		return nil
	}
	add("project", before.Project, after.Project)
	add("machine", before.Machine, after.Machine)
	add("size: min", before.Min, after.Min)
	add("size: max", before.Max, after.Max)
	add("scale: target_wait", timetext.Exact(before.TargetWait.D()), timetext.Exact(after.TargetWait.D()))
	add("scale: up_cooldown", timetext.Exact(before.UpCooldown.D()), timetext.Exact(after.UpCooldown.D()))
	add("scale: down_cooldown", timetext.Exact(before.DownCooldown.D()), timetext.Exact(after.DownCooldown.D()))
	add("scale: idle_after", timetext.Exact(before.IdleAfter.D()), timetext.Exact(after.IdleAfter.D()))
	add("start_time", timetext.Exact(before.StartTime.D()), timetext.Exact(after.StartTime.D()))
	before.Sensitive, after.Sensitive = samePlaces(before.Sensitive, after.Sensitive)
	add("sensitive", strings.Join(before.Sensitive, ", "), strings.Join(after.Sensitive, ", "))
	return list
}

// samePlaces returns two lists of places for comparison. An earlier release lists no items of lists, which is not a change.
func samePlaces(before, after []string) (b, a []string) {
	lists, other := content.WithoutItems(before), content.WithoutItems(after)
	if len(lists) == len(before) || len(other) == len(after) {
		return lists, other
	}
	return before, after
}

// samePolicy reports whether two policies are equal, except for Wanted, Compiler and Input.
func samePolicy(a, b manifest.Policy) bool {
	a.Sensitive, b.Sensitive = samePlaces(a.Sensitive, b.Sensitive)
	a.Wanted, b.Wanted = true, true
	a.Compiler, a.Input = b.Compiler, b.Input
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}

// jobChanges compares two jobs without their groups.
func jobChanges(before, after *nomad.Job) []Change {
	if b, a := deref(before.Priority), deref(after.Priority); b != a {
		return []Change{{What: "priority", Before: fmt.Sprint(b), After: fmt.Sprint(a)}}
	}
	return nil
}

// groupChanges compares the content of two groups value by value, in the profile's words, and masks hidden values.
func groupChanges(before, after *nomad.TaskGroup, h *hidden) []Change {
	b, a := content.Values(before), content.Values(after)
	keys := maps.Clone(b)
	maps.Copy(keys, a)
	var list []Change
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		_, stays := a[key]
		if b[key] == a[key] || !stays && serverMade(key) || content.IsOrder(key) && !reordered(b[key], a[key]) {
			continue
		}
		list = append(list, h.change(key, b[key], a[key]))
	}
	return once(list)
}

// valueChange returns a change of values as text, or as JSON if the texts are equal. An empty text, and one that starts with a
// quotation mark, are always JSON: what starts with one is never the text itself.
func valueChange(what string, before, after content.Value) Change {
	c := Change{What: what, Before: before.Text, After: after.Text}
	for _, side := range []struct {
		text  *string
		value content.Value
	}{{&c.Before, before}, {&c.After, after}} {
		if before.Text == after.Text || side.value.Text == "" || strings.HasPrefix(side.value.Text, `"`) {
			*side.text = side.value.JSON
		}
	}
	return c
}

// reordered reports whether two orders contain the same names.
func reordered(before, after content.Value) bool {
	b, a := strings.Split(before.Text, ", "), strings.Split(after.Text, ", ")
	slices.Sort(b)
	slices.Sort(a)
	return slices.Equal(b, a)
}

// instanceNumber matches the part of a name that distinguishes the instances of a service per GPU.
var instanceNumber = regexp.MustCompile(`-gpu\d+`)

// once merges changes that are the same for every instance of a service per GPU.
func once(list []Change) []Change {
	var out []Change
	at := map[Change]int{}
	for _, c := range list {
		alike := c
		alike.What = instanceNumber.ReplaceAllString(c.What, "-gpu*")
		if i, found := at[alike]; found {
			out[i] = alike
			continue
		}
		at[alike] = len(out)
		out = append(out, c)
	}
	return out
}

// serverMade reports whether Nomad's servers add the value to a group when they store it. Its absence from the compiled
// group is then not a change.
func serverMade(path string) bool {
	for _, constraint := range []string{"${attr.nomad.", "${attr.os.signals}", "${attr.consul.", "${attr.vault."} {
		if strings.HasPrefix(path, "\x00Constraints\x00"+constraint) {
			return true
		}
	}
	return strings.Contains(path, "\x00Identity\x00") || strings.HasSuffix(path, "\x00HostNetwork") || strings.HasSuffix(path, "\x00TaskName")
}
