package plan

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/hcl/manifest"
	"github.com/emprops/machinectl/hcl/timetext"
)

// Machine is an allocation that runs, or should run.
type Machine struct {
	ID    string    `json:"id"`
	Group string    `json:"group"`
	Index int       `json:"index"`
	Node  string    `json:"node"`
	State string    `json:"state"` // waiting, starting, ready, stopping, unknown, failed, lost
	Why   string    `json:"why,omitempty"`
	Since time.Time `json:"since"`
	// Failing is the failing task, or nil.
	Failing *Failing `json:"failing,omitempty"`
	// Replaces is the number of machines in the same slot that failed before this one.
	Replaces int `json:"replaces,omitempty"`

	node string // the node's id
}

// Machine states, as far as Nomad knows them.
const (
	Starting = "starting" // tasks not all running, or checks not all passing
	Ready    = "ready"
	Stopping = "stopping"
	Unknown  = "unknown" // its node is out of reach
	Failed   = "failed"  // and Nomad will try again
	Lost     = "lost"
)

// latest returns the newest allocation of each name (group and index), and every allocation that still runs.
func latest(allocs []*nomad.AllocationListStub) []*nomad.AllocationListStub {
	newest := map[string]*nomad.AllocationListStub{}
	for _, a := range allocs {
		if b := newest[a.Name]; b == nil || b.CreateIndex < a.CreateIndex {
			newest[a.Name] = a
		}
	}
	return slices.DeleteFunc(slices.Clone(allocs), func(a *nomad.AllocationListStub) bool {
		switch a.ClientStatus {
		case nomad.AllocClientStatusRunning, nomad.AllocClientStatusPending, nomad.AllocClientStatusUnknown:
			return false
		case nomad.AllocClientStatusFailed, nomad.AllocClientStatusLost:
			// An allocation that Nomad gave up is worth showing until a newer one replaces it.
			return newest[a.Name] != a || a.DesiredStatus != nomad.AllocDesiredStatusRun
		default:
			return true
		}
	})
}

// machine reads one allocation. group is its group, or nil if the job doesn't have the group any more.
func (c *Cluster) machine(ctx context.Context, a *nomad.AllocationListStub, group *nomad.TaskGroup, at Place) (Machine, error) {
	m := Machine{
		ID: a.ID, Group: a.TaskGroup, Index: indexOf(a.Name), Node: a.NodeName, Since: time.Unix(0, a.CreateTime).UTC(),
		Failing: failing(a, group), node: a.NodeID,
	}
	if a.RescheduleTracker != nil {
		m.Replaces = len(a.RescheduleTracker.Events)
	}
	m.State, m.Why = taskStates(a)
	if m.State != Ready {
		return m, nil
	}
	// Nomad's clients serve the check results. A machine whose client doesn't answer counts as not ready.
	checks, err := c.checks.Checks(a.ID, at.query(ctx))
	if err != nil {
		if ctx.Err() != nil {
			return m, ctx.Err()
		}
		m.State, m.Why = Starting, "its checks can't be read: "+err.Error()
		return m, nil
	}
	for _, check := range checks {
		if check.Status != "success" {
			m.State, m.Why = Starting, checkWords(check)
		}
	}
	// A check that has not run yet has no result.
	if m.State == Ready && len(checks) < checksOf(group) {
		m.State, m.Why = Starting, "its checks have not run yet"
	}
	return m, nil
}

// checksOf counts the checks of a group that Nomad itself runs.
func checksOf(group *nomad.TaskGroup) int {
	if group == nil {
		return 0
	}
	services := slices.Clone(group.Services)
	for _, t := range group.Tasks {
		services = append(services, t.Services...)
	}
	n := 0
	for _, s := range services {
		if s.Provider == "nomad" {
			n += len(s.Checks)
		}
	}
	return n
}

// taskStates derives a machine's state from those of its tasks. [Ready] still depends on the checks.
func taskStates(a *nomad.AllocationListStub) (state, why string) {
	switch a.ClientStatus {
	case nomad.AllocClientStatusUnknown:
		return Unknown, "its node is out of reach"
	case nomad.AllocClientStatusFailed:
		return Failed, lastWords(a)
	case nomad.AllocClientStatusLost:
		return Lost, "its node went away"
	}
	if a.DesiredStatus != nomad.AllocDesiredStatusRun {
		return Stopping, a.DesiredDescription
	}
	if len(a.TaskStates) == 0 || a.ClientStatus == nomad.AllocClientStatusPending {
		return Starting, lastWords(a)
	}
	for name, t := range a.TaskStates {
		if name != manifest.TaskSetup && t.State != "running" {
			return Starting, lastWords(a)
		}
	}
	return Ready, ""
}

// lastWords returns the latest event of the tasks that aren't running: what they wait for, or why they failed.
func lastWords(a *nomad.AllocationListStub) string {
	var last *nomad.TaskEvent
	task := ""
	for name, t := range a.TaskStates {
		if t.State == "running" || t.State == "dead" && !t.Failed {
			continue
		}
		for _, e := range t.Events {
			// Why a task ended is more useful than that its siblings were killed because of it.
			if e.Type == nomad.TaskSiblingFailed || e.Type == nomad.TaskKilling || e.Type == nomad.TaskKilled || e.Type == nomad.TaskNotRestarting {
				continue
			}
			if last == nil || e.Time > last.Time {
				last, task = e, name
			}
		}
	}
	if last == nil {
		return a.DesiredDescription
	}
	return task + ": " + missingSecret(timetext.Rewrite(firstLine(last.DisplayMessage)))
}

// missingVariable matches Nomad's message about a template that waits for a variable.
var missingVariable = regexp.MustCompile(`^Missing: nomad\.var\.block\(([^@)]+)@([^.)]+)`)

// missingSecret describes what to do about a missing secret. It returns any other text unchanged.
func missingSecret(text string) string {
	found := missingVariable.FindStringSubmatch(text)
	if found == nil {
		return text
	}
	return fmt.Sprintf("waits for a secret: `nomad var put -namespace %s %s <key>=<value>` creates the Nomad variable", found[2], found[1])
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}

// indexOf returns the number at the end of an allocation's name, such as "pool.group[3]", or -1.
func indexOf(name string) int {
	var n int
	if _, err := fmt.Sscanf(name[strings.LastIndexByte(name, '[')+1:], "%d]", &n); err != nil {
		return -1
	}
	return n
}
