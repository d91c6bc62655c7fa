package agent

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/queue"
)

func TestStateWithoutReason(t *testing.T) {
	require.Equal(t, "draining: too many machines", stateProblem(queue.Machine{State: queue.MachineDraining, Reason: "too many machines"}))
	require.Equal(t, "draining", stateProblem(queue.Machine{State: queue.MachineDraining}))
}
