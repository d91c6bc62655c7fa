package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/emprops/machinectl/agent/foreign"
	"github.com/emprops/machinectl/nettext"
)

// TaskAPI is Nomad's API as a task reaches it: over a Unix socket, with the task's workload identity. The agent makes only
// two kinds of calls, and without Nomad's client: that would add megabytes to every agent.
type TaskAPI struct {
	alloc, namespace, token string
	http                    *http.Client
}

// newTaskAPI returns nil if there is no Task API: outside Nomad, without an identity block, or if Nomad could not create the
// socket (its path may be too long).
func newTaskAPI(getenv func(string) string) *TaskAPI {
	address, token := getenv("NOMAD_UNIX_ADDR"), getenv("NOMAD_TOKEN")
	if address == "" && getenv("NOMAD_SECRETS_DIR") != "" {
		address = filepath.Join(getenv("NOMAD_SECRETS_DIR"), "api.sock")
	}
	if u, err := url.Parse(address); err == nil && u.Scheme == "unix" {
		address = u.Path
	}
	if address == "" || token == "" {
		return nil
	}
	if _, err := os.Stat(address); err != nil {
		return nil
	}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", address)
	}
	return &TaskAPI{
		alloc: getenv("NOMAD_ALLOC_ID"), namespace: getenv("NOMAD_NAMESPACE"), token: token,
		http: &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}, Timeout: 30 * time.Second},
	}
}

// Restart restarts one task of this allocation.
func (t *TaskAPI) Restart(ctx context.Context, task string) error {
	body, err := json.Marshal(map[string]string{"TaskName": task})
	if err != nil {
		return err
	}
	return t.call(ctx, http.MethodPut, "/v1/client/allocation/"+t.alloc+"/restart", body, nil)
}

// Devices returns the ids of the devices that each task of this allocation got from Nomad.
func (t *TaskAPI) Devices(ctx context.Context) (map[string][]string, error) {
	devices := map[string][]string{}
	known := false
	err := t.call(ctx, http.MethodGet, "/v1/allocation/"+t.alloc, nil, func(s *foreign.Scanner) {
		for name := range s.Fields() {
			if name != "AllocatedResources" {
				continue
			}
			for name := range s.Fields() {
				if name == "Tasks" {
					known = known || s.Peek() == foreign.Object
					readDevices(s, devices)
				}
			}
		}
	})
	if err == nil && !known {
		err = errors.New("task API: the allocation lacks its tasks' resources")
	}
	if err != nil {
		return nil, err
	}
	return devices, nil
}

// readDevices reads the resources of an allocation's tasks.
func readDevices(s *foreign.Scanner, devices map[string][]string) {
	for task := range s.Fields() {
		for name := range s.Fields() {
			if name != "Devices" {
				continue
			}
			for range s.Items() {
				for name := range s.Fields() {
					if name != "DeviceIDs" {
						continue
					}
					for range s.Items() {
						if id, ok := s.Text(1 << 10); ok {
							devices[task] = append(devices[task], id)
						}
					}
				}
			}
		}
	}
}

func (t *TaskAPI) call(ctx context.Context, method, path string, body []byte, read func(*foreign.Scanner)) error {
	target := "http://nomad" + path
	if t.namespace != "" {
		target += "?namespace=" + url.QueryEscape(t.namespace)
	}
	req, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+t.token)
	resp, err := t.http.Do(req)
	if err != nil {
		return fmt.Errorf("task API: %w", nettext.Explain(err))
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		said, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10)) // best effort: the status may suffice
		return fmt.Errorf("task API: %s %s: %s: %s", method, path, resp.Status, bytes.TrimSpace(said))
	}
	if read == nil {
		return nil
	}
	answer := foreign.NewScanner(resp.Body)
	if read(answer); answer.Err() != nil {
		return fmt.Errorf("task API: %s %s: %w", method, path, nettext.Explain(answer.Err()))
	}
	return nil
}
