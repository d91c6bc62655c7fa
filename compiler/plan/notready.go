package plan

import (
	"fmt"
	"strings"
)

// NotReadyError reports the pools that are not ready, because they failed or time was up.
type NotReadyError struct {
	Pools []Progress
	// Failed reports whether waiting ended early because all of the pools have failed.
	Failed bool
	// Unchanged reports whether there was nothing to apply.
	Unchanged bool
}

func (e *NotReadyError) Error() string {
	var b strings.Builder
	switch {
	case e.Failed && e.Unchanged:
		b.WriteString("nothing was left to apply, but machines fail:")
	case e.Failed:
		b.WriteString("applied, but the new machines fail:")
	case e.Unchanged:
		b.WriteString("nothing was left to apply, but not everything is ready:")
	default:
		b.WriteString("applied, but not ready in time:")
	}
	for _, p := range e.Pools {
		fmt.Fprintf(&b, "\n  %s: %d of %d machines ready on revision %s", p.Pool, p.Ready, p.Goal, p.Revision)
		if p.Failure != nil {
			p.failed(&b)
			continue
		}
		if p.Old > 0 {
			fmt.Fprintf(&b, ", %d still on older ones (the dispatcher moves them, each when it is idle: is it running?)", p.Old)
		}
		for _, why := range p.Trouble {
			b.WriteString("\n    " + why)
		}
	}
	return b.String()
}

// failed describes a failure, with the end of the task's log and what to do next.
func (p Progress) failed(b *strings.Builder) {
	f, task := p.Failure, p.Failure.Machine.Failing
	id := f.Machine.ID[:min(8, len(f.Machine.ID))]
	what := "the machine"
	if task.Task != "" {
		what = task.Task
	}
	how := "Nomad does not restart it"
	switch {
	case task.Restarts == 1:
		how = "a restart did not help"
	case task.Restarts > 1:
		how = fmt.Sprintf("%d restarts did not help", task.Restarts)
	}
	fmt.Fprintf(b, "\n    machine %s on node %s: %s fails, %s: %s", id, f.Machine.Node, what, how, task.Why)
	if len(f.Log) > 0 {
		fmt.Fprintf(b, "\n      the end of its %s:", f.Stream)
		for _, line := range f.Log {
			b.WriteString("\n      | " + line)
		}
	}
	switch {
	case p.Working == "":
	case p.Old == 1:
		b.WriteString("\n    The older revision's machine stays and takes jobs; no job is lost.")
	case p.Old > 1:
		fmt.Fprintf(b, "\n    The older revision's %d machines stay and take jobs; no job is lost.", p.Old)
	}
	b.WriteString("\n    Next:")
	if task.started {
		stdout := ""
		if f.Stream == "stdout" {
			stdout = "-stdout "
		}
		fmt.Fprintf(b, "\n      machinectl logs %s%s %s", stdout, id, task.Task)
	}
	switch {
	case p.Working != "":
		b.WriteString("\n      " + rollbackCommand(p.Pool, p.place, p.Former, p.Working))
	case p.Former != "":
		b.WriteString("\n      (no earlier revision of it is known to have worked, so there is none to roll back to)")
	case !p.Unchanged:
		b.WriteString("\n      " + p.place.command("destroy", p.Pool))
	}
	b.WriteString("\n      or correct the profile and apply it again; until then, Nomad retries in growing intervals")
}
