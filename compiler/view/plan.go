package view

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/emprops/machinectl/compiler/plan"
	"github.com/emprops/machinectl/hcl/timetext"
)

// Plan writes a plan: one line per pool with its changes below, and a summary.
func (s Screen) Plan(p *plan.Plan) {
	wide := 0
	for _, pool := range p.Pools {
		wide = max(wide, seen(pool.Name))
	}
	for _, pool := range p.Pools {
		s.pool(pool, wide)
	}
	s.Printf("")
	for _, c := range p.Crowded {
		s.Printf("%s Together %s do not fit: Nomad has room for %d of the %d machines that they would add now.",
			s.paint(yellow, "!"), strings.Join(c.Pools, ", "), c.For, c.Of)
		for _, why := range c.Why {
			s.Printf("    %s", why)
		}
	}
	s.Printf("%s", s.summary(p))
}

// Diff writes how two profiles differ.
func (s Screen) Diff(p *plan.Plan) {
	if !p.Changes() {
		s.Printf("%s Both profiles make the same pools.", s.paint(bold, "No differences."))
		return
	}
	wide := 0
	for _, pool := range p.Pools {
		wide = max(wide, seen(pool.Name))
	}
	for _, pool := range p.Pools {
		switch pool.Action {
		case plan.Nothing:
		case plan.Remove:
			s.Printf("%s %s%s  is in the old profile only", s.paint(red, "-"), s.paint(bold, pool.Name), strings.Repeat(" ", wide-seen(pool.Name)))
		default:
			s.pool(pool, wide)
		}
	}
}

func (s Screen) pool(p *plan.Pool, wide int) {
	symbol, color, words := describe(p)
	if s.Owners && p.Owner != "" {
		words += fmt.Sprintf(" (project %s)", p.Owner)
	}
	s.Printf("%s %s%s  %s", s.paint(color, symbol), s.paint(bold, p.Name), strings.Repeat(" ", wide-seen(p.Name)), words)
	if p.Action == plan.Create && p.Owner != "" && p.Owner != p.Project {
		s.Printf("    %s project %s had a pool of this name, which is stopped", s.paint(yellow, "!"), p.Owner)
	}
	s.recompiled(p.Recompiled)
	s.changes(p)
	if p.Action == plan.Revise && len(p.Changes) == 0 {
		s.Printf("      %s", s.paint(faint, "nothing from the profile differs, only the form of the Nomad job: -verbose shows it"))
	}
	for _, g := range p.Groups {
		if !g.Wanted && g.Count > 0 && p.Action == plan.Revise {
			s.Printf("      %s", s.paint(faint, fmt.Sprintf("%s keeps %s until the dispatcher has moved it over", g.Name, count(g.Count, "machine"))))
		}
	}
	if p.Replaced > 0 {
		s.Printf("    %s %s would be replaced immediately, busy or not", s.paint(red, "!"), count(p.Replaced, "running machine"))
	}
	if len(p.NomadSet) > 0 && (p.Action == plan.Create || p.Action == plan.Revise) {
		s.Printf("      %s", s.paint(faint, "set by nomad blocks: "+strings.Join(p.NomadSet, ", ")))
	}
	for i, why := range p.Infeasible {
		if i == 0 {
			s.Printf("    %s %s:", s.paint(yellow, "!"), roomFor(p.Room))
		}
		s.Printf("        %s", why)
	}
	for _, w := range p.Warnings {
		s.Printf("    %s %s", s.paint(yellow, "!"), w)
	}
	if s.Verbose && p.Diff != nil {
		s.nomadDiff(p.Diff)
	}
}

// recompiled writes that a revision changes because a different version of machinectl compiled it.
func (s Screen) recompiled(r *plan.Recompiled) {
	switch {
	case r == nil:
	case r.Same:
		s.Printf("    %s the profile did not change: this machinectl (version %s) compiles it differently from the one that applied it (version %s)",
			s.paint(yellow, "!"), r.Now, cmp.Or(r.Before, "unknown"))
	case r.Before == "":
		s.Printf("      %s", s.paint(faint, "an earlier machinectl applied it and did not record the profile's digest: this one (version "+r.Now+") may compile it differently"))
	default:
		s.Printf("      %s", s.paint(faint, fmt.Sprintf("machinectl %s applied it, and this one is %s: some of the difference may come from that", r.Before, r.Now)))
	}
}

// roomFor describes how many of a pool's machines Nomad can place.
func roomFor(room *plan.Room) string {
	if room == nil || room.For == 0 {
		return "Nomad can't place a machine now"
	}
	return fmt.Sprintf("Nomad has room for %d of %d machines now", room.For, room.Of)
}

// describe returns a pool's symbol and color, and its action in words.
func describe(p *plan.Pool) (symbol, color, words string) {
	switch p.Action {
	case plan.Create:
		starting := 0
		if len(p.Groups) > 0 {
			starting = p.Groups[0].Count
		}
		return "+", green, fmt.Sprintf("create, revision %s, starting with %s", p.To, count(starting, "machine"))
	case plan.Revise:
		before := p.From
		if before == "" {
			before = "none"
		}
		return "~", yellow, fmt.Sprintf("new revision %s → %s; machines move over one by one, each when it is idle", before, p.To)
	case plan.Settings:
		return "~", yellow, "settings; no machine is touched"
	case plan.Repair:
		return "~", yellow, fmt.Sprintf("changed by hand in Nomad; restore revision %s", p.To)
	case plan.Remove:
		return "-", red, fmt.Sprintf("not in the profile; stop it and its %s", count(p.Running, "machine"))
	case plan.Orphan:
		if p.Owner == "" {
			return "?", faint, fmt.Sprintf("runs with %s, belongs to no project and is not in the profile; left alone (-prune -adopt would stop it)", count(p.Running, "machine"))
		}
		return "?", faint, fmt.Sprintf("runs with %s and is not in the profile; left alone (-prune would stop it)", count(p.Running, "machine"))
	default:
		if p.Ready < p.Minimum {
			return "=", yellow, fmt.Sprintf("no changes; %d of %s ready", p.Ready, count(p.Minimum, "machine"))
		}
		return "=", faint, "no changes"
	}
}

// changes writes the differences in columns. If a line has no room for two values, it writes them below their name.
func (s Screen) changes(p *plan.Pool) {
	const indent = "    "
	wide := 0
	for _, c := range p.Changes {
		wide = max(wide, seen(c.What))
	}
	limit := longest
	if s.Width > 0 {
		limit = (s.Width - len(indent) - len("~") - len(between) - wide - len(between) - len(" → ")) / 2
	}
	var rows [][]string
	for _, c := range p.Changes {
		switch {
		case c.Before == "":
			rows = append(rows, []string{s.paint(green, "+"), c.What, s.value(c.After)})
		case c.After == "":
			rows = append(rows, []string{s.paint(red, "-"), c.What, s.value(c.Before)})
		case limit < leastSide:
			s.Rows(indent, rows)
			rows = nil
			s.Printf("%s%s  %s", indent, s.paint(yellow, "~"), c.What)
			s.Printf("%s      %s", indent, s.replaced(c.Before, c.After, leastSide))
		default:
			rows = append(rows, []string{s.paint(yellow, "~"), c.What, s.replaced(c.Before, c.After, limit)})
		}
	}
	s.Rows(indent, rows)
}

// leastSide is the minimum number of columns for each side of a replaced value.
const leastSide = 16

// value returns a value on one line of reasonable length.
func (s Screen) value(text string) string {
	if s.Width <= 0 {
		return s.short(text, longest)
	}
	return s.short(text, max(20, s.Width/2))
}

// line returns a text on one line. A table that is too narrow cuts it.
func (s Screen) line(text string) string {
	return strings.Join(strings.Fields(text), " ")
}

// longest is the number of characters of a value that are shown without a terminal.
const longest = 100

func (s Screen) short(text string, limit int) string {
	return cut(s.line(text), limit)
}

// tally returns how many pools each action concerns, in words.
func tally(p *plan.Plan, words map[plan.Action]string) []string {
	n := map[plan.Action]int{}
	for _, pool := range p.Pools {
		n[pool.Action]++
	}
	var parts []string
	for _, action := range []plan.Action{plan.Create, plan.Revise, plan.Settings, plan.Repair, plan.Remove, plan.Nothing} {
		if n[action] > 0 && words[action] != "" {
			parts = append(parts, fmt.Sprintf("%d %s", n[action], words[action]))
		}
	}
	return parts
}

func (s Screen) summary(p *plan.Plan) string {
	if short := len(p.Short()); short > 0 && !p.Changes() {
		have := "has"
		if short > 1 {
			have = "have"
		}
		return s.paint(bold, "Nothing to apply.") + fmt.Sprintf(" But %s %s fewer machines ready than the profile's minimum.", count(short, "pool"), have)
	}
	if !p.Changes() {
		pools := 0
		for _, pool := range p.Pools {
			if pool.Action == plan.Nothing {
				pools++
			}
		}
		return s.paint(bold, "No changes.") + fmt.Sprintf(" The cluster matches the profile (%s).", count(pools, "pool"))
	}
	return s.paint(bold, "Plan:") + " " + strings.Join(tally(p, map[plan.Action]string{
		plan.Create: "to create", plan.Revise: "to a new revision", plan.Settings: "with new settings", plan.Repair: "to restore",
		plan.Remove: "to remove", plan.Nothing: "unchanged",
	}), ", ") + "."
}

// Applied writes what was applied, and how long it took.
func (s Screen) Applied(p *plan.Plan, took time.Duration, waited bool) {
	for _, pool := range p.Pools {
		for _, note := range pool.Notes {
			s.Printf("  %s %s: %s", s.paint(yellow, "!"), pool.Name, note)
		}
	}
	text := fmt.Sprintf("%s %s (%s).", s.paint(green+bold, "Applied:"), strings.Join(tally(p, map[plan.Action]string{
		plan.Create: "created", plan.Revise: "moved to a new revision", plan.Settings: "with new settings", plan.Repair: "restored",
		plan.Remove: "removed", plan.Nothing: "unchanged",
	}), ", "), timetext.Duration(took.Round(100*time.Millisecond)))
	if !waited {
		text = strings.Replace(text, "moved to", "moving to", 1) + " Not waiting for the machines: `machinectl status` shows them."
	}
	s.Printf("%s", text)
}

// PlanDocument is the JSON form of a plan.
type PlanDocument struct {
	Changes bool         `json:"changes"`
	Pools   []*plan.Pool `json:"pools"`
	Crowded []plan.Crowd `json:"crowded,omitempty"`
}

// NewPlanDocument returns the JSON form of a plan. It contains Nomad's own difference, which is very long, only if verbose
// is set.
func NewPlanDocument(p *plan.Plan, verbose bool) PlanDocument {
	doc := PlanDocument{Changes: p.Changes(), Pools: p.Pools, Crowded: p.Crowded}
	if verbose {
		return doc
	}
	doc.Pools = make([]*plan.Pool, len(p.Pools))
	for i, pool := range p.Pools {
		brief := *pool
		brief.Diff = nil
		doc.Pools[i] = &brief
	}
	return doc
}
