package profile

import (
	"fmt"
	"strings"

	"github.com/emprops/machinectl/hcl/diag"
)

// minShare is the least memory that a service may be left with, in bytes.
const minShare = 16 << 20

// fit checks that the machine's resources suffice for its tasks.
func (l *loader) fit(m *Machine, o *object) {
	r := o.child("resources")
	if r == nil {
		return
	}
	if memory, ok := r.get("memory"); ok {
		need := m.need(m.Agent.Resources.Memory, func(r *Resources) int64 { return r.Memory })
		if d := need.diagnostic(m.Resources.Memory, minShare, FormatSize); d != "" {
			l.report(diag.Error(memory.at, "The machine's memory is too small", d, fmt.Sprintf("Write memory = %q or more.", FormatSize(roundUp(need.sum+need.sharing*minShare)))))
		}
		if s := m.Setup; s != nil && s.Resources != nil && s.Resources.Memory > m.Resources.Memory {
			l.report(diag.Error(s.Resources.Range, "The setup needs more memory than the machine has",
				fmt.Sprintf("It is to get %s, and the machine has %s.", FormatSize(s.Resources.Memory), FormatSize(m.Resources.Memory)), ""))
		}
	}
	if cpu, ok := r.get("cpu"); ok && !r.has("cores") {
		need := m.need(int64(m.Agent.Resources.CPU), func(r *Resources) int64 { return int64(r.CPU) })
		mhz := func(n int64) string { return fmt.Sprintf("%d MHz", n) }
		if d := need.diagnostic(int64(m.Resources.CPU), 1, mhz); d != "" {
			l.report(diag.Error(cpu.at, "The machine's cpu is too small", d, fmt.Sprintf("Write cpu = %d or more.", need.sum+need.sharing)))
		}
	}
	if cores, ok := r.get("cores"); ok {
		need := m.need(int64(m.Agent.Resources.Cores), func(r *Resources) int64 { return int64(r.Cores) })
		if d := need.diagnostic(int64(m.Resources.Cores), 1, func(n int64) string { return fmt.Sprint(n) }); d != "" {
			l.report(diag.Error(cores.at, "The machine has too few cores", d, fmt.Sprintf("Write cores = %d or more.", need.sum+need.sharing)))
		}
	}
}

// need is what the tasks of a machine get of one resource.
type need struct {
	sum     int64    // of what is said
	sharing int64    // instances which share what is left
	parts   []string // the sum's terms, for people
}

func (m *Machine) need(agent int64, of func(*Resources) int64) need {
	n := need{sum: agent, parts: []string{"the agent"}}
	for _, s := range m.Services {
		count := int64(len(m.Instances(s)))
		if s.Resources == nil || of(s.Resources) == 0 {
			n.sharing += count
			continue
		}
		n.sum += count * of(s.Resources)
		n.parts = append(n.parts, fmt.Sprintf("%d × %s", count, s.Name))
	}
	return n
}

// diagnostic describes why the tasks don't fit into what the machine has. It returns "" if they do.
func (n need) diagnostic(has, least int64, format func(int64) string) string {
	who := strings.Join(n.parts, " and ") + " get"
	if len(n.parts) == 1 {
		who += "s"
	}
	switch {
	case n.sum > has:
		return fmt.Sprintf("%s %s, and the machine has %s.", capitalise(who), format(n.sum), format(has))
	case n.sharing > 0 && (has-n.sum)/n.sharing < least:
		return fmt.Sprintf("%s %s of %s. %d more would share what is left, and each needs at least %s.", capitalise(who), format(n.sum), format(has), n.sharing, format(least))
	default:
		return ""
	}
}

func capitalise(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// roundUp rounds bytes up to whole MiB.
func roundUp(bytes int64) int64 {
	const mib = 1 << 20
	return (bytes + mib - 1) / mib * mib
}
