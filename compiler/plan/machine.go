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
)

// Machine is one allocation that runs, or should.
type Machine struct {
	ID    string    `json:"id"`
	Group string    `json:"group"`
	Index int       `json:"index"`
	Node  string    `json:"node"`
	State string    `json:"state"` // waiting, starting, ready, stopping, unknown, failed, lost
	Why   string    `json:"why,omitempty"`
	Since time.Time `json:"since"`
	// Failing is the task that fails, nil where none does.
	Failing *Failing `json:"failing,omitempty"`
	// Replaces is how many machines in this one's place failed before it, one after the other.
	Replaces int `json:"replaces,omitempty"`

	node string // its id
}

// Machine states, as Nomad sees them.
const (
	Starting = "starting" // tasks not all running, or checks not all passing
	Ready    = "ready"
	Stopping = "stopping"
	Unknown  = "unknown" // its node is out of reach
	Failed   = "failed"  // and Nomad will try again
	Lost     = "lost"
)

// latest keeps of each name (group and index) the newest allocation, and every one that still runs.
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
			// What Nomad gave up on its own is worth showing while nothing newer has its place.
			return newest[a.Name] != a || a.DesiredStatus != nomad.AllocDesiredStatusRun
		default:
			return true
		}
	})
}

// machine reads one allocation of a group, which is nil if the job doesn't have it any more.
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
	// Nomad's check endpoint is on the client; one that can't be asked is treated as not ready, with the reason.
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
	return m, nil
}

// taskStates is what the states of an allocation's tasks say; [Ready] means as far as they can tell.
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

// lastWords is the latest event of the tasks that aren't running: what they wait for or failed with.
func lastWords(a *nomad.AllocationListStub) string {
	var last *nomad.TaskEvent
	task := ""
	for name, t := range a.TaskStates {
		if t.State == "running" || t.State == "dead" && !t.Failed {
			continue
		}
		for _, e := range t.Events {
			// Why a task ended says more than that its siblings were ended for it.
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
	return task + ": " + missingSecret(firstLine(last.DisplayMessage))
}

// missingVariable is how Nomad says that a template waits for a variable.
var missingVariable = regexp.MustCompile(`^Missing: nomad\.var\.block\(([^@)]+)@([^.)]+)`)

// missingSecret says what to do about a secret that isn't there; any other text stays as it is.
func missingSecret(text string) string {
	found := missingVariable.FindStringSubmatch(text)
	if found == nil {
		return text
	}
	return fmt.Sprintf("waits for a secret: `nomad var put -namespace %s %s <key>=<value>` makes the Nomad variable", found[2], found[1])
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}

// indexOf reads the number at the end of an allocation's name, "pool.group[3]".
func indexOf(name string) int {
	var n int
	if _, err := fmt.Sscanf(name[strings.LastIndexByte(name, '[')+1:], "%d]", &n); err != nil {
		return -1
	}
	return n
}
