package content_test

import (
	"testing"
	"time"

	nomad "github.com/hashicorp/nomad/api"
	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/compiler/content"
)

// TestDurationsAreReadable: plans show durations as profiles write them, wherever in a group they stand and whether they
// are Nomad's nanoseconds or the agent document's text. What only looks like one stays.
func TestDurationsAreReadable(t *testing.T) {
	document := `{"grace":"1m30s","services":[{"name":"s","ready":{"path":"/","interval":"2m0s","timeout":"1s"}}],"workers":[{"name":"w","settings":{"note":"2m0s"}}]}`
	group := nomad.NewTaskGroup("g", 1).AddTask(&nomad.Task{
		Name: "agent", KillTimeout: new(90 * time.Second), Env: map[string]string{"LIMIT": "1h0m0s"},
		Templates: []*nomad.Template{{DestPath: new("x"), EmbeddedTmpl: &document}},
		Services:  []*nomad.Service{{Name: "s", Checks: []nomad.ServiceCheck{{Name: "c", Interval: 2 * time.Minute}}}},
	})
	group.RestartPolicy = &nomad.RestartPolicy{Interval: new(30 * time.Minute), Delay: new(1500 * time.Millisecond)}
	said := map[string]string{}
	for path, value := range content.Of(group) {
		said[content.Words(path)] = value
	}
	for what, want := range map[string]string{
		"agent: kill timeout": "1m30s", "agent: grace": "1m30s", "service s: ready interval": "2m", "worker w: settings note": "2m0s",
		"agent: env LIMIT": "1h0m0s", "restart policy interval": "30m", "restart policy delay": "1.5s",
	} {
		require.Equal(t, want, said[what], what)
	}
}
