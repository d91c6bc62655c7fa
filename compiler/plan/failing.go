package plan

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	nomad "github.com/hashicorp/nomad/api"
)

// Failing is a task that fails again and again, or for good.
type Failing struct {
	Task     string `json:"task"`
	Why      string `json:"why"`      // how it ended last, or could not be started
	Restarts int    `json:"restarts"` // by Nomad, on this machine
	Attempts int    `json:"attempts"` // how many its restart policy allows within a time
	Final    bool   `json:"final"`    // Nomad doesn't restart it on this machine any more

	started bool // once at least: it may have left a log
}

// failing is the task that an allocation's failure comes from: the one that failed for good, else the one restarted most
// often. Nil where no task has failed. group is what the allocation was made from.
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

// attemptsOf is how often a task may be restarted within its policy's interval.
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

// ending is how a task ended last, or why it could not be started.
func ending(t *nomad.TaskState) string {
	for _, e := range slices.Backward(t.Events) {
		switch e.Type {
		case nomad.TaskTerminated, nomad.TaskDriverFailure, nomad.TaskSetupFailure, nomad.TaskFailedValidation, nomad.TaskArtifactDownloadFailed:
		case nomad.TaskKilling, nomad.TaskNotRestarting, nomad.TaskRestarting:
			// A template that can't be rendered kills its task, and says so here; else it only says what Nomad did about it.
			if e.KillReason == "" {
				continue
			}
		default:
			continue
		}
		// A driver runs as a plugin; that its words came by RPC is no news.
		text := strings.ReplaceAll(cmp.Or(e.DisplayMessage, e.Message, e.Type), "rpc error: code = Unknown desc = ", "")
		return strings.TrimSuffix(firstLine(text), ".")
	}
	return "Nomad gives no reason"
}
