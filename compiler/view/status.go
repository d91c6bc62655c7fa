package view

import (
	"fmt"
	"slices"
	"strings"
	"time"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/compiler/plan"
	"github.com/emprops/machinectl/hcl/timetext"
)

// StatusDocument is the JSON form of the status, which [Screen.Status] shows.
type StatusDocument struct {
	Pools []*plan.State `json:"pools"`
	// Dispatcher is the dispatcher's own report, or nil if no dispatcher is known.
	Dispatcher *Dispatcher `json:"dispatcher,omitempty"`
}

// Dispatcher is what the dispatcher reports in addition to Nomad.
type Dispatcher struct {
	URL string `json:"url"`
	// Error is why it didn't answer; the other fields are then empty.
	Error string `json:"error,omitempty"`
	// Machines holds the agents' states by machine id.
	Machines map[string]AgentState `json:"machines,omitempty"`
	// Unwatched lists pools that no known dispatcher resizes.
	Unwatched []Unwatched `json:"unwatched,omitempty"`
}

// Unwatched is a set of pools in one namespace that no dispatcher resizes.
type Unwatched struct {
	Namespace string `json:"namespace"`
	// Pools holds their names. If it is empty, it means all pools of the namespace.
	Pools []string `json:"pools,omitempty"`
	Why   string   `json:"why"`
}

// AgentState is a machine's state as reported by its agent.
type AgentState struct {
	State  string `json:"state"`
	Reason string `json:"reason,omitempty"`
	Jobs   int    `json:"jobs"` // the number of running jobs
}

// Status writes the pools with their revisions, and the machines.
func (s Screen) Status(doc StatusDocument, now time.Time) {
	if len(doc.Pools) == 0 {
		s.Printf("No pools run here. `machinectl apply <profile>` creates some.")
	} else {
		s.pools(doc.Pools)
		s.Printf("")
		s.machines(doc, now)
	}
	d := doc.Dispatcher
	if d == nil {
		return
	}
	if d.Error != "" {
		s.Printf("\n%s the dispatcher at %s did not answer: %s", s.paint(yellow, "!"), d.URL, d.Error)
	}
	s.Unwatched(d.Unwatched)
}

// Unwatched writes which pools no dispatcher resizes, and why.
func (s Screen) Unwatched(list []Unwatched) {
	for _, u := range list {
		which := "the pools of namespace " + u.Namespace
		if len(u.Pools) > 0 {
			which = strings.Join(u.Pools, ", ") + " in namespace " + u.Namespace
		}
		s.Printf("\n%s", s.paint(red+bold, "! No dispatcher resizes "+which+"."))
		s.Printf("  %s", u.Why)
	}
}

func (s Screen) pools(pools []*plan.State) {
	var projects, namespaces []string
	for _, p := range pools {
		projects, namespaces = append(projects, p.Project), append(namespaces, p.Place.Namespace)
	}
	shown := NamespaceColumn(namespaces)
	rows := [][]string{s.head("POOL", shown, ProjectColumn(projects), "MACHINE", "REVISION", "READY", "COUNT", "BOUNDS", "")}
	for _, p := range pools {
		for _, g := range p.Groups {
			name, namespace, project, bounds, note := p.Pool, p.Place.Namespace, p.Project, fmt.Sprintf("%d–%d", p.Min, p.Max), ""
			if !g.Wanted {
				name, namespace, project, bounds, note = "", "", "", "", s.paint(faint, "moving away")
			}
			if shown == "" {
				namespace = ""
			}
			ready := fmt.Sprint(g.Ready)
			if g.Ready < g.Count {
				ready = s.paint(yellow, ready)
			}
			rows = append(rows, []string{s.paint(bold, name), namespace, project, g.Machine, g.Revision, ready, fmt.Sprint(g.Count), bounds, note})
		}
	}
	const namespace, project, machine = 1, 2, 3
	s.Rows("", rows, machine, project, namespace)
}

// NamespaceColumn returns the head of the column of namespaces, or "" if all pools are in the default one.
func NamespaceColumn(namespaces []string) string {
	if slices.ContainsFunc(namespaces, func(n string) bool { return n != "" && n != nomad.DefaultNamespace }) {
		return "NAMESPACE"
	}
	return ""
}

// ProjectColumn returns the head of the column of projects, or "" if no pool has one.
func ProjectColumn(projects []string) string {
	if strings.Join(projects, "") == "" {
		return ""
	}
	return "PROJECT"
}

func (s Screen) machines(doc StatusDocument, now time.Time) {
	var namespaces []string
	for _, p := range doc.Pools {
		namespaces = append(namespaces, p.Place.Namespace)
	}
	shown := NamespaceColumn(namespaces)
	rows := [][]string{s.head("MACHINE", "POOL", shown, "REVISION", "INDEX", "NODE", "STATE", "JOBS", "AGE", "")}
	for _, p := range doc.Pools {
		namespace := p.Place.Namespace
		if shown == "" {
			namespace = ""
		}
		revision := map[string]string{}
		for _, g := range p.Groups {
			revision[g.Name] = g.Revision
		}
		for _, m := range p.Machines {
			state, jobs, why := m.State, "", m.Why
			if d := doc.Dispatcher; d != nil {
				if a, known := d.Machines[m.ID]; known {
					jobs = fmt.Sprint(a.Jobs)
					// The agent knows about drains and its services; Nomad knows about machines that never started.
					if m.State == plan.Ready || m.State == plan.Starting {
						state, why = a.State, a.Reason
					}
				}
			}
			rows = append(rows, []string{
				m.ID[:min(8, len(m.ID))], p.Pool, namespace, revision[m.Group], fmt.Sprint(m.Index), m.Node, s.state(state), jobs,
				timetext.Age(now.Sub(m.Since)), s.paint(faint, s.line(why)),
			})
		}
	}
	if len(rows) > 1 {
		const namespace, revision, index, node, age = 2, 3, 4, 5, 8
		s.Rows("", rows, index, age, revision, node, namespace)
	}
}

// Machines writes only the machines.
func (s Screen) Machines(doc StatusDocument, now time.Time) {
	n := 0
	for _, p := range doc.Pools {
		n += len(p.Machines)
	}
	if n == 0 {
		s.Printf("No machines run here.")
		return
	}
	s.machines(doc, now)
}

func (s Screen) head(names ...string) []string {
	for i, n := range names {
		names[i] = s.paint(faint, n)
	}
	return names
}

func (s Screen) state(state string) string {
	switch state {
	case plan.Ready:
		return s.paint(green, state)
	case plan.Failed, plan.Lost, plan.Unknown:
		return s.paint(red, state)
	default:
		return s.paint(yellow, state)
	}
}

// Head returns a table's first row.
func (s Screen) Head(names ...string) []string { return s.head(names...) }
