package alert

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/emprops/machinectl/dispatcher/resize"
	"github.com/emprops/machinectl/hcl/alertfile"
	"github.com/emprops/machinectl/hcl/timetext"
	"github.com/emprops/machinectl/queue"
)

// reportAge is the age from which a machine's report is overdue: agents report every 15 s.
const reportAge = 40 * time.Second

// A condition finds the subjects for which a rule's condition holds. known is false if the facts that it needs are unknown.
type condition func(f Facts, s alertfile.Setting, e *Engine) (found []finding, known bool)

// conditions has a row for each rule of [alertfile.Rules].
func conditions() map[string]condition {
	return map[string]condition{
		alertfile.ServiceDown:    serviceDown,
		alertfile.MachineLost:    machineLost,
		alertfile.GPUUnhealthy:   gpuUnhealthy,
		alertfile.CrashLoop:      poolStatus(resize.Crashing),
		alertfile.RolloutStalled: poolStatus(resize.Stalled),
		alertfile.NoRoom:         poolStatus(resize.Blocked),
		alertfile.BelowMinimum:   belowMinimum,
		alertfile.WaitOverTarget: waitOverTarget,
		alertfile.DeadLetters:    deadLetters,
		alertfile.Unwatched:      unwatched,
		alertfile.NomadDown:      nomadDown,
	}
}

func poolStatus(status string) condition {
	return func(f Facts, _ alertfile.Setting, _ *Engine) (found []finding, known bool) {
		for _, p := range f.Pools {
			if p.Status == status {
				found = append(found, finding{subject: "pool " + p.Pool, text: cmp.Or(p.Reason, status)})
			}
		}
		return found, f.Pools != nil
	}
}

func belowMinimum(f Facts, _ alertfile.Setting, _ *Engine) (found []finding, known bool) {
	for _, p := range f.Pools {
		if p.Ready < p.Min && p.Status != resize.Unknown {
			found = append(found, finding{subject: "pool " + p.Pool, value: float64(p.Ready), text: fmt.Sprintf("%d of at least %d machines are ready", p.Ready, p.Min)})
		}
	}
	return found, f.Pools != nil
}

// serviceDown looks at machines that were ready: one that starts has its own time for that.
func serviceDown(f Facts, _ alertfile.Setting, _ *Engine) (found []finding, known bool) {
	for _, m := range f.Machines {
		if m.ReadyAt == nil || m.State == queue.MachineStopping {
			continue
		}
		for _, s := range m.Services {
			if !s.Ready {
				found = append(found, finding{subject: "service " + s.Name + " of " + machineName(m), text: cmp.Or(s.Error, "it is not ready")})
			}
		}
	}
	return found, f.Machines != nil
}

func gpuUnhealthy(f Facts, _ alertfile.Setting, _ *Engine) (found []finding, known bool) {
	for _, m := range f.Machines {
		for _, g := range m.GPUs {
			if !g.Healthy {
				found = append(found, finding{subject: fmt.Sprintf("GPU %d of %s", g.Index, machineName(m)), text: cmp.Or(g.Reason, "it is not healthy")})
			}
		}
	}
	return found, f.Machines != nil
}

// machineLost finds machines whose report is overdue, and those that left without a word. The latter stay lost until they
// report again or their pool has as many ready machines as it wants.
func machineLost(f Facts, _ alertfile.Setting, e *Engine) (found []finding, known bool) {
	if f.Machines == nil || f.Pools == nil {
		return nil, false
	}
	e.machines.update(f)
	for _, m := range e.machines.lost {
		found = append(found, finding{subject: machineName(m), text: fmt.Sprintf("its agent on node %s has not reported since %s; its jobs go to other machines", cmp.Or(m.Node, "?"), timetext.Moment(m.At))})
	}
	slices.SortFunc(found, func(a, b finding) int { return strings.Compare(a.subject, b.subject) })
	return found, true
}

func waitOverTarget(f Facts, s alertfile.Setting, _ *Engine) (found []finding, known bool) {
	if f.Classes == nil || f.Pools == nil || f.Target == nil {
		return nil, false
	}
	for _, c := range f.Classes {
		if c.Waiting <= c.Held || c.Paused != "" {
			continue
		}
		target, ok := f.Target(c.Requirements)
		if !ok {
			found = append(found, finding{subject: "class " + c.Class, text: fmt.Sprintf("%s, and no pool can serve them", waiting(c))})
			continue
		}
		if over := float64(c.OldestAge) / float64(max(target, time.Second)); over > s.Threshold {
			found = append(found, finding{subject: "class " + c.Class, value: over, text: fmt.Sprintf("%s, the first for %s; the target is %s", waiting(c), timetext.Duration(c.OldestAge.Round(time.Second)), timetext.Duration(target))})
		}
	}
	return found, true
}

func waiting(c queue.ClassDemand) string {
	if n := c.Waiting - c.Held; n != 1 {
		return fmt.Sprintf("%d jobs wait", n)
	}
	return "1 job waits"
}

func deadLetters(f Facts, s alertfile.Setting, _ *Engine) (found []finding, known bool) {
	for _, jobType := range slices.Sorted(maps.Keys(f.Dead)) {
		if n := f.Dead[jobType]; float64(n) > s.Threshold {
			text := fmt.Sprintf("%d jobs are dead: `machinectl jobs -state dead -type %s` lists them", n, jobType)
			if n == 1 {
				text = fmt.Sprintf("1 job is dead: `machinectl jobs -state dead -type %s` shows it", jobType)
			}
			found = append(found, finding{subject: "type " + jobType, value: float64(n), text: text})
		}
	}
	return found, f.Dead != nil
}

func unwatched(f Facts, _ alertfile.Setting, _ *Engine) (found []finding, known bool) {
	for _, namespace := range slices.Sorted(maps.Keys(f.Unwatched)) {
		pools := f.Unwatched[namespace]
		found = append(found, finding{subject: "namespace " + namespace, value: float64(len(pools)), text: "no dispatcher resizes its pools: " + strings.Join(pools, ", ")})
	}
	return found, f.Unwatched != nil
}

func nomadDown(f Facts, _ alertfile.Setting, _ *Engine) ([]finding, bool) {
	if f.NomadDown == "" {
		return nil, true
	}
	return []finding{{subject: "Nomad", text: f.NomadDown}}, true
}

func machineName(m queue.Machine) string {
	return fmt.Sprintf("machine %s of pool %s", m.ID[:min(8, len(m.ID))], m.Pool)
}
