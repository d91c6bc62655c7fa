package standin

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/hashicorp/nomad/api"
)

// validateJob lists the errors for which Nomad would reject a job, and what the stand-in doesn't support.
func validateJob(j *api.Job) []string {
	v := &validation{}
	id := deref(j.ID)
	v.checkf(id != "", "Missing job ID")
	v.checkf(!strings.ContainsAny(id, " \x00"), "Job ID contains a space or null character")
	v.checkf(deref(j.Type) == api.JobTypeService, "devcluster's stand-in runs service jobs only, not %q", deref(j.Type))
	v.checkf(deref(j.Priority) >= 1 && deref(j.Priority) <= 100, "Job priority must be between [1, 100]")
	v.checkf(len(j.Datacenters) > 0, "Missing job datacenters")
	v.checkf(len(j.TaskGroups) > 0, "Missing job task groups")
	v.checkf(j.Periodic == nil && j.ParameterizedJob == nil && j.Multiregion == nil, "devcluster's stand-in has no periodic, parameterized or multiregion jobs")
	seen := map[string]bool{}
	for i, tg := range j.TaskGroups {
		name := deref(tg.Name)
		v.checkf(name != "", "Job task group %d missing name", i+1)
		v.checkf(!seen[name], "Job task group %d redefines %q", i+1, name)
		seen[name] = true
		v.group(j, tg)
	}
	return v.errs
}

type validation struct{ errs []string }

func (v *validation) checkf(ok bool, format string, args ...any) {
	if !ok {
		v.errs = append(v.errs, fmt.Sprintf(format, args...))
	}
}

func (v *validation) group(j *api.Job, tg *api.TaskGroup) {
	name := deref(tg.Name)
	where := func(format string, args ...any) string {
		return fmt.Sprintf("Task group %s validation failed: ", name) + fmt.Sprintf(format, args...)
	}
	parallel := 0
	if tg.Update != nil {
		parallel = deref(tg.Update.MaxParallel)
	} else if j.Update != nil {
		parallel = deref(j.Update.MaxParallel)
	}
	count := deref(tg.Count)
	v.checkf(parallel == 0, "%s", where("devcluster's stand-in makes no deployments: set update { max_parallel = 0 }"))
	v.checkf(count >= 0, "%s", where("Task group count can't be negative"))
	v.checkf(len(tg.Tasks) > 0, "%s", where("Missing tasks for task group"))
	if p := tg.Scaling; p != nil {
		lo, hi := deref(p.Min), deref(p.Max)
		v.checkf(p.Max != nil && hi >= 0, "%s", where("Scaling policy invalid: maximum count must be specified and non-negative"))
		v.checkf(lo <= hi, "%s", where("Scaling policy invalid: maximum count must not be less than minimum count"))
		v.checkf(int64(count) <= hi, "%s", where("Scaling policy invalid: task group count must not be greater than maximum count in scaling policy"))
		v.checkf(int64(count) >= lo, "%s", where("Scaling policy invalid: task group count must not be less than minimum count in scaling policy"))
	}
	labels := map[string]bool{}
	for _, net := range tg.Networks {
		for _, p := range append(append([]api.Port{}, net.DynamicPorts...), net.ReservedPorts...) {
			v.checkf(!labels[p.Label], "%s", where("Port label %s already in use", p.Label))
			labels[p.Label] = true
		}
	}
	leaders, tasks := 0, map[string]bool{}
	for _, t := range tg.Tasks {
		v.checkf(t.Name != "", "%s", where("a task has no name"))
		v.checkf(!tasks[t.Name], "%s", where("Task %s redefines a task of the same name", t.Name))
		tasks[t.Name] = true
		if t.Leader {
			leaders++
		}
		v.task(t, labels, where)
		if lc := t.LogConfig; lc != nil && tg.EphemeralDisk != nil {
			logs, disk := deref(lc.MaxFiles)*deref(lc.MaxFileSizeMB), deref(tg.EphemeralDisk.SizeMB)
			v.checkf(logs <= disk, "%s", where("Task %s validation failed: log storage (%d MB) must be less than requested disk capacity (%d MB)", t.Name, logs, disk))
		}
	}
	v.checkf(leaders <= 1, "%s", where("Only one task may be marked as leader"))
	v.services(tg.Services, labels, where)
}

func (v *validation) task(t *api.Task, labels map[string]bool, where func(string, ...any) string) {
	in := func(format string, args ...any) string {
		return where("Task %s validation failed: ", t.Name) + fmt.Sprintf(format, args...)
	}
	v.checkf(!strings.ContainsAny(t.Name, "/\\\x00"), "%s", in("Task name cannot include slashes"))
	v.checkf(t.Driver != "", "%s", in("Missing task driver"))
	v.checkf(deref(t.KillTimeout) >= 0, "%s", in("KillTimeout must be a positive value"))
	v.checkf(t.ShutdownDelay >= 0, "%s", in("ShutdownDelay must be a positive value"))
	if r := t.Resources; r != nil {
		v.checkf(deref(r.CPU) >= 1 || deref(r.Cores) >= 1, "%s", in("minimum CPU value is 1; got %d", deref(r.CPU)))
		v.checkf(deref(r.MemoryMB) >= 10, "%s", in("minimum MemoryMB value is 10; got %d", deref(r.MemoryMB)))
		v.checkf(len(r.Networks) == 0, "%s", in("devcluster's stand-in has networks of groups only, not of tasks"))
		for _, d := range r.Devices {
			v.checkf(d.Name != "", "%s", in("device name must be given"))
		}
	}
	for i, tm := range t.Templates {
		v.checkf(deref(tm.DestPath) != "", "%s", in("Template %d validation failed: Must specify a destination for the template", i+1))
		v.checkf((deref(tm.EmbeddedTmpl) != "") != (deref(tm.SourcePath) != ""), "%s", in("Template %d validation failed: Must specify a source path or have an embedded template", i+1))
	}
	if lc := t.Lifecycle; lc != nil {
		switch lc.Hook {
		case api.TaskLifecycleHookPrestart, api.TaskLifecycleHookPoststart, api.TaskLifecycleHookPoststop:
		default:
			v.checkf(false, "%s", in("invalid hook: %s", lc.Hook))
		}
	}
	v.services(t.Services, labels, in)
}

func (v *validation) services(list []*api.Service, labels map[string]bool, where func(string, ...any) string) {
	valid := regexp.MustCompile(`^(?i:[a-z0-9]|[a-z0-9][a-z0-9\-]{0,61}[a-z0-9])$`)
	variable := regexp.MustCompile(`\$\{[^}]*\}`)
	for _, s := range list {
		v.checkf(valid.MatchString(variable.ReplaceAllString(s.Name, "x")), "%s", where("Service name must be valid per RFC 1123 and can contain only alphanumeric characters or dashes and must be no longer than 63 characters: %q", s.Name))
		v.checkf(s.PortLabel == "" || labels[s.PortLabel], "%s", where("service %q references a port label %q that no network has", s.Name, s.PortLabel))
		for _, c := range s.Checks {
			v.checkf(c.Type == "http" || c.Type == "tcp", "%s", where("service %q: devcluster's stand-in has checks of type http and tcp, not %q", s.Name, c.Type))
			v.checkf(c.Interval > 0 && c.Timeout > 0, "%s", where("service %q: a check needs an interval and a timeout", s.Name))
		}
	}
}
