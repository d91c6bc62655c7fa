//go:build e2e

package e2e

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// Each ComfyUI task of a machine with two GPUs gets a device of its own.
func TestTasksOfOneMachineHaveDistinctDevices(t *testing.T) {
	s := newStack(t, 2)
	s.apply("two-gpus.hcl", "sim="+binary(t, "machine-sim"))
	machine := s.waitReady(1)[0]

	alloc, _, err := s.nomad.Allocations().Info(machine.ID, nil)
	require.NoError(t, err)
	var devices []string
	for _, task := range []string{"comfyui-gpu0", "comfyui-gpu1"} {
		resources := alloc.AllocatedResources.Tasks[task]
		require.NotNil(t, resources, "no task %s", task)
		require.Len(t, resources.Devices, 1, task)
		devices = append(devices, resources.Devices[0].DeviceIDs...)
	}
	slices.Sort(devices)
	require.Len(t, slices.Compact(slices.Clone(devices)), 2, "devices: %v", devices)
	require.Empty(t, alloc.AllocatedResources.Tasks["agent"].Devices, "the agent holds no device")
}
