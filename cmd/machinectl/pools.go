package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/emprops/machinectl/client"
	"github.com/emprops/machinectl/compiler/view"
	"github.com/emprops/machinectl/dispatcher/fleet"
	"github.com/emprops/machinectl/hcl/diag"
)

func poolsCommand(std streams) *cli.Command {
	return &cli.Command{
		Name: "pools", Usage: "show what the dispatcher does with the pools, and why", ArgsUsage: "[pool]…",
		Description: "Lists each pool's size, what the dispatcher does with it and why, paused job types and, for a named pool or one with\n" +
			"several, its revisions. `machinectl status` shows what Nomad runs.",
		Flags:         dispatcherFlags(jsonFlag()),
		ShellComplete: completing(dispatchedNames),
		Action:        func(ctx context.Context, cmd *cli.Command) error { return pools(ctx, cmd, std) },
	}
}

// poolsDocument is the JSON form of the command's output.
type poolsDocument struct {
	Pools []client.Pool `json:"pools"`
	// Unwatched lists pools that no dispatcher resizes; absent if there are none or that isn't known.
	Unwatched []view.Unwatched `json:"unwatched,omitempty"`
}

func pools(ctx context.Context, cmd *cli.Command, std streams) error {
	d, err := newDispatcher(cmd)
	if err != nil {
		return err
	}
	doc := poolsDocument{}
	if doc.Pools, err = d.Pools(ctx); err != nil {
		return err
	}
	if doc.Unwatched, err = d.unwatched(ctx); err != nil {
		return err
	}
	names := cmd.Args().Slice()
	var full, known []string
	for _, p := range doc.Pools {
		full, known = append(full, p.Pool), append(known, cmp.Or(p.Name, p.Pool))
	}
	for i, name := range names {
		var several *fleet.AmbiguousError
		found, err := fleet.Named(name, full)
		if names[i] = found; err == nil {
			continue
		}
		if errors.As(err, &several) {
			return misuse(cmd, "%s", several)
		}
		for _, u := range doc.Unwatched {
			if slices.Contains(u.Pools, name) {
				return fmt.Errorf("the dispatcher at %s does nothing with pool %q: %s", d.at, name, u.Why)
			}
		}
		return misuse(cmd, "the dispatcher has no pool %q%s", name, hint(diag.Suggest(name, known)))
	}
	if len(names) > 0 {
		doc.Pools = slices.DeleteFunc(doc.Pools, func(p client.Pool) bool { return !slices.Contains(names, p.Pool) })
	}
	if cmd.Bool("json") {
		return std.json(doc)
	}
	s := std.screen()
	if len(doc.Pools) == 0 {
		s.Printf("The dispatcher knows no pools.")
	} else {
		showPools(s, doc.Pools, len(names) > 0)
	}
	s.Unwatched(doc.Unwatched)
	return nil
}

// showPools writes a table, and below it what has no room in a table.
func showPools(s view.Screen, list []client.Pool, whole bool) {
	var projects, namespaces, names []string
	for _, p := range list {
		projects, namespaces = append(projects, p.Project), append(namespaces, p.Namespace)
		names = append(names, cmp.Or(p.Name, p.Pool))
	}
	rows := [][]string{s.Head("POOL", view.NamespaceColumn(namespaces), view.ProjectColumn(projects), "MACHINE", "STATUS", "ASKED", "READY", "BUSY", "STARTING", "DRAINING", "FAILED", "BOUNDS", "")}
	for _, p := range list {
		rows = append(rows, []string{
			s.Bold(shortName(p, names)), p.Namespace, p.Project, p.Machine, string(p.Status), strconv.Itoa(p.Asked), strconv.Itoa(p.Ready), strconv.Itoa(p.Busy), strconv.Itoa(p.Starting),
			strconv.Itoa(p.Draining), strconv.Itoa(p.Failed), fmt.Sprintf("%d–%d", p.Min, p.Max), s.Faint(p.Reason),
		})
	}
	const namespace, project, machine, starting, draining, failed = 1, 2, 3, 8, 9, 10
	if view.NamespaceColumn(namespaces) == "" {
		for _, row := range rows[1:] {
			row[namespace] = ""
		}
	}
	s.Rows("", rows, machine, draining, starting, failed, project, namespace)
	s.Printf("")
	for _, p := range list {
		s.Printf("%s: %s", s.Bold(shortName(p, names)), because(p))
		for _, t := range p.Paused {
			s.Printf("  %s jobs of type %s are paused: %s", s.Warn("!"), t.Type, t.Reason)
		}
		if whole || len(p.Groups) > 1 {
			showGroups(s, p.Groups)
		}
	}
}

// shortName returns a pool's name, or its full name where several pools have the same name.
func shortName(p client.Pool, names []string) string {
	name, count := cmp.Or(p.Name, p.Pool), 0
	for _, n := range names {
		if n == name {
			count++
		}
	}
	if count > 1 {
		return p.Pool
	}
	return name
}

// because returns the reasons for the dispatcher's last decision.
func because(p client.Pool) string {
	if p.Decision == nil || len(p.Decision.Reasons) == 0 {
		return "nothing has been decided yet"
	}
	var reasons []string
	for _, r := range p.Decision.Reasons {
		reasons = append(reasons, r.Text)
	}
	text := strings.Join(reasons, "; ")
	if p.Decision.Count != p.Decision.From {
		text = fmt.Sprintf("%d → %d machines: %s", p.Decision.From, p.Decision.Count, text)
	}
	return text
}

func showGroups(s view.Screen, groups []client.Group) {
	var rows [][]string
	for _, g := range groups {
		var notes []string
		if g.Target != g.Asked {
			notes = append(notes, fmt.Sprintf("on its way to %d", g.Target))
		}
		if !g.Wanted {
			notes = append(notes, "moving away")
		}
		for what, machines := range map[string][]string{"draining: ": g.Draining, "drained by hand: ": g.Kept} {
			if len(machines) > 0 {
				notes = append(notes, what+shortened(machines))
			}
		}
		slices.Sort(notes)
		rows = append(rows, []string{"revision " + g.Revision, fmt.Sprintf("%d asked", g.Asked), fmt.Sprintf("%d ready", g.Ready), strings.Join(notes, ", ")})
	}
	s.Rows("  ", rows)
}
