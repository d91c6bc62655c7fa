package fleet

import (
	"testing"

	"github.com/hashicorp/nomad/api"
	"github.com/stretchr/testify/require"
)

// TestTroubleInPlainWords: a driver's message comes by RPC, which operators need not know.
func TestTroubleInPlainWords(t *testing.T) {
	event := &api.TaskEvent{
		Type:           api.TaskDriverFailure,
		DisplayMessage: `failed to launch command with executor: rpc error: code = Unknown desc = binary "/nonexistent" could not be found`,
	}
	trouble := troubleOf(&api.AllocationListStub{TaskStates: map[string]*api.TaskState{"agent": {Failed: true, Events: []*api.TaskEvent{event}}}})
	require.Equal(t, `task agent failed: failed to launch command with executor: binary "/nonexistent" could not be found`, trouble)
}
