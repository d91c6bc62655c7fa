package plan

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/hcl/timetext"
)

// Failing is a task that fails repeatedly or for good.
type Failing struct {
	Task     string `json:"task"`
	Why      string `json:"why"`      // how it ended last, or why it could not be started
	Restarts int    `json:"restarts"` // by Nomad, on this machine
	Attempts int    `json:"attempts"` // the restarts that its policy allows within an interval
	Final    bool   `json:"final"`    // Nomad doesn't restart it on this machine any more

	started bool // at least once, so that it may have a log
}

// failing returns the task that caused an allocation's failure: one that failed for good, or else the one restarted most
// often. It returns nil if no task has failed. group is the group of the allocation.
func failing(a *nomad.AllocationListStub, group *nomad.TaskGroup) *Failing {
	var worst *Failing
	for _, name := range slices.Sorted(maps.Keys(a.TaskStates)) {
		t := a.TaskStates[name]
		if !t.Failed && t.Restarts == 0 {
			continue
		}
		f := &Failing{
			Task: name, Why: ending(t), Restarts: int(t.Restarts), Attempts: attemptsOf(group, name),
			Final: t.Failed && t.State == "dead", started: !t.StartedAt.IsZero(),
		}
		if worst == nil || !worst.Final && (f.Final || f.Restarts > worst.Restarts) {
			worst = f
		}
	}
	if worst == nil && a.ClientStatus == nomad.AllocClientStatusFailed {
		return &Failing{Why: cmp.Or(a.ClientDescription, "Nomad gives no reason"), Final: true}
	}
	return worst
}

// attemptsOf returns how often a task may be restarted within its policy's interval.
func attemptsOf(group *nomad.TaskGroup, task string) int {
	if group == nil {
		return 0
	}
	policy := group.RestartPolicy
	for _, t := range group.Tasks {
		if t.Name == task && t.RestartPolicy != nil {
			policy = t.RestartPolicy
		}
	}
	if policy == nil {
		return 0
	}
	return deref(policy.Attempts)
}

// ending describes how a task ended last, or why it could not be started.
func ending(t *nomad.TaskState) string {
	for _, e := range slices.Backward(t.Events) {
		switch e.Type {
		case nomad.TaskTerminated, nomad.TaskDriverFailure, nomad.TaskSetupFailure, nomad.TaskFailedValidation, nomad.TaskArtifactDownloadFailed:
		case nomad.TaskKilling, nomad.TaskNotRestarting, nomad.TaskRestarting:
			// A template that can't be rendered kills its task, with a reason here. Without one, the event only describes
			// Nomad's reaction.
			if e.KillReason == "" {
				continue
			}
		default:
			continue
		}
		// A driver runs as a plugin; the prefix that its RPC adds tells users nothing.
		text := timetext.Rewrite(strings.ReplaceAll(cmp.Or(e.DisplayMessage, e.Message, e.Type), "rpc error: code = Unknown desc = ", ""))
		return strings.TrimSuffix(firstLine(text), ".")
	}
	return "Nomad gives no reason"
}
