package jobfile_test

import (
	"testing"
	"time"

	nomad "github.com/hashicorp/nomad/api"
	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/compiler/jobfile"
)

// Package compiler tests, on a real Nomad, that the text is parsed as the same job.
func TestWrite(t *testing.T) {
	job := &nomad.Job{
		ID: new("p"), Name: new("p"), Priority: new(0), Datacenters: []string{"*"}, Meta: map[string]string{"machinectl": "pool"},
		TaskGroups: []*nomad.TaskGroup{{
			Name: new("g"), Count: new(0), Constraints: []*nomad.Constraint{},
			Volumes:  map[string]*nomad.VolumeRequest{"models": {Name: "models", Type: "host", ReadOnly: true}},
			Networks: []*nomad.NetworkResource{{ReservedPorts: []nomad.Port{{Label: "a", Value: 80}}, DynamicPorts: []nomad.Port{{Label: "b"}}}},
			Tasks: []*nomad.Task{{
				Name: "t", Config: map[string]any{"args": []string{"$${x}", "a\"b"}, "ulimit": []any{map[string]any{"nofile": 1}}},
				Env: map[string]string{"A": "${NOMAD_ALLOC_ID}", "b.c": "1"}, KillTimeout: new(90 * time.Second),
				Identity: &nomad.WorkloadIdentity{Name: "default", Env: true},
			}},
			Scaling: &nomad.ScalingPolicy{Max: new(int64(3)), Policy: map[string]any{"x": map[string]any{"y": []any{1.5, true}}}},
		}},
	}
	require.Equal(t, `job "p" {
  name        = "p"
  priority    = 0
  datacenters = ["*"]
  group "g" {
    count = 0
    task "t" {
      kill_timeout = "1m30s"
      config {
        args = ["$$${x}", "a\"b"]
        ulimit = [{
          nofile = 1
        }]
      }
      env = {
        A     = "$${NOMAD_ALLOC_ID}"
        "b.c" = "1"
      }
      identity {
        name = "default"
        env  = true
      }
    }
    volume "models" {
      type      = "host"
      read_only = true
    }
    network {
      port "a" {
        static = 80
      }
      port "b" {
      }
    }
    scaling {
      max = 3
      policy {
        x = {
          y = [1.5, true]
        }
      }
    }
  }
  meta {
    machinectl = "pool"
  }
}
`, string(jobfile.Write(job)))
}
