package standin

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/hashicorp/nomad/api"
)

// driverConfig is the part of a task's config that raw_exec and exec use.
type driverConfig struct {
	Command string   `json:"command"`
	Args    []string `json:"args"`
	WorkDir string   `json:"work_dir"`
}

// start prepares a task as Nomad's client does (token and socket, artifacts, templates, environment) and starts its
// process.
func (t *taskRunner) start() (*process, error) {
	task, alloc, c := t.spec(), t.alloc.current(), t.alloc.client
	token, err := t.prepareTaskAPI(task, alloc)
	if err != nil {
		return nil, err
	}
	env := newTaskEnv(c.store.node, alloc, task, t.alloc.dir, token)
	for _, a := range task.Artifacts {
		t.event(api.TaskEvent{Type: api.TaskDownloadingArtifacts, DisplayMessage: "Client is downloading artifacts"})
		if err := fetchArtifact(c.ctx, env, a, t.alloc.dir.task(task.Name)); err != nil {
			return nil, fmt.Errorf("failed to download artifact %q: %w", deref(a.GetterSource), err)
		}
	}
	if err := t.renderTemplates(env, task); err != nil {
		return nil, err
	}
	cfg, err := decodeConfig(env, task.Config)
	if err != nil {
		return nil, err
	}
	marks := []string{"NOMAD_ALLOC_ID=" + alloc.ID, "NOMAD_TASK_NAME=" + task.Name}
	return c.start(t.alloc.dir, task, cfg, env.list(c.tmp), marks)
}

// prepareTaskAPI gives the task its identity token and the socket of the Task API. The token is empty if the task's
// identity doesn't expose it in the environment.
func (t *taskRunner) prepareTaskAPI(task *api.Task, alloc *api.Allocation) (string, error) {
	c, dir := t.alloc.client, t.alloc.dir.secrets(task.Name)
	token := c.tokens.issue(alloc, task.Name)
	if err := t.alloc.listenOnce(task.Name, filepath.Join(dir, "api.sock")); err != nil {
		// As in Nomad, a socket that can't be created doesn't stop the task: its path may be too long.
		c.log.Warn("task has no Task API", "task", task.Name, "error", err)
	}
	id := task.Identity
	if id == nil {
		return "", nil
	}
	if id.File {
		if err := os.WriteFile(filepath.Join(dir, "nomad_token"), []byte(token), 0o600); err != nil {
			return "", err
		}
	}
	if !id.Env {
		token = ""
	}
	return token, nil
}

// decodeConfig evaluates a driver's config as HCL templates and decodes it. It rejects unknown keys.
func decodeConfig(env *taskEnv, raw map[string]any) (driverConfig, error) {
	var cfg driverConfig
	v, err := env.evaluate(raw)
	if err != nil {
		return cfg, err
	}
	for k := range raw {
		switch k {
		case "command", "args", "work_dir":
		case "cgroup_v2_override", "cgroup_v1_override", "task_user", "oom_score_adj", "denied_envvars",
			"pid_mode", "ipc_mode", "cap_add", "cap_drop":
			// these concern isolation, which the stand-in doesn't have
		default:
			return cfg, fmt.Errorf("failed to parse config: no argument named %q is expected here", k)
		}
	}
	b, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(b, &cfg)
	}
	if err != nil {
		return cfg, fmt.Errorf("failed to parse config: %w", err)
	}
	if cfg.Command == "" {
		return cfg, errors.New(`failed to parse config: the argument "command" is required`)
	}
	return cfg, nil
}

// templateRetry is how often a template that waits for its data is rendered again.
const templateRetry = 250 * time.Millisecond

// renderTemplates writes the task's templates. A template that reads a missing variable delays the task until the
// variable exists.
func (t *taskRunner) renderTemplates(env *taskEnv, task *api.Task) error {
	for _, tmpl := range task.Templates {
		for said := false; ; {
			err := renderTemplate(t.alloc.client.store, env, tmpl, t.alloc.dir.task(task.Name))
			var missing missingVariableError
			if err == nil {
				break
			}
			if !errors.As(err, &missing) {
				return fmt.Errorf("template: %w", err)
			}
			if !said {
				said = true
				t.event(api.TaskEvent{Type: "Template", DisplayMessage: "Missing: " + missing.Error()})
			}
			timer := time.NewTimer(templateRetry)
			select {
			case <-timer.C:
			case <-t.killCh:
				timer.Stop()
				return errors.New("killed while waiting for a template")
			}
		}
	}
	return nil
}
