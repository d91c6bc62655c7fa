package plan

import (
	"fmt"
	"slices"
)

// moved describes how a pool's current plan differs from the one that was agreed to. It ignores counts, which the
// dispatcher changes at any time.
func moved(agreed, now *Pool) []string {
	switch {
	case now.Action == Nothing && agreed.Action != Nothing:
		return []string{fmt.Sprintf("the same change was applied in between: revision %s runs", now.To)}
	case agreed.Action == Create && now.Action != Create:
		return []string{fmt.Sprintf("it did not run and now runs on revision %s", orNone(now.From))}
	case agreed.Action != Create && now.Action == Create:
		return []string{"it ran and is now stopped"}
	case agreed.Owner != now.Owner && now.Action != Create:
		return []string{fmt.Sprintf("it belonged to %s and now belongs to %s", projectWords(agreed.Owner), projectWords(now.Owner))}
	case agreed.From != now.From:
		return []string{fmt.Sprintf("it ran on revision %s, and now revision %s is the wanted one", orNone(agreed.From), orNone(now.From))}
	case agreed.To != now.To:
		return []string{fmt.Sprintf("revision %s was agreed to, and now it would be %s", agreed.To, now.To)}
	}
	var list []string
	for _, c := range now.Changes {
		if !slices.Contains(agreed.Changes, c) {
			list = append(list, fmt.Sprintf("%s is now %s", c.What, quoted(c.Before)))
		}
	}
	for _, c := range agreed.Changes {
		if !slices.ContainsFunc(now.Changes, func(n Change) bool { return n.What == c.What }) {
			list = append(list, fmt.Sprintf("%s is already %s", c.What, quoted(c.After)))
		}
	}
	if len(list) == 0 && agreed.Action != now.Action {
		list = []string{fmt.Sprintf("its plan was %q, and now it is %q", agreed.Action, now.Action)}
	}
	return list
}

func projectWords(name string) string {
	if name == "" {
		return "no project"
	}
	return fmt.Sprintf("project %q", name)
}

func orNone(revision string) string {
	if revision == "" {
		return "none"
	}
	return revision
}

func quoted(value string) string {
	if value == "" {
		return "absent"
	}
	return fmt.Sprintf("%q", value)
}
