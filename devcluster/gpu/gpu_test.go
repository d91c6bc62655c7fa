package gpu_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/devcluster/gpu"
)

func TestSpec(t *testing.T) {
	d := gpu.Spec{Count: 2}.Defaults()
	require.NoError(t, d.Validate())
	require.Equal(t, int64(d.Memory), d.Attributes()["memory"].Int)
	require.Equal(t, "MiB", d.Attributes()["memory"].Unit)
	require.Equal(t, d.Driver, d.Attributes()["driver_version"].Text)
	for _, wrong := range []gpu.Spec{{Count: -1}, {Count: 65}, {Memory: -1}} {
		require.Error(t, wrong.Defaults().Validate())
	}
	require.Error(t, gpu.Spec{Memory: 1}.Validate(), "without a name")
}

func TestIdentitiesDiffer(t *testing.T) {
	seen := map[string]bool{}
	for i := range 64 {
		for _, id := range []string{gpu.ID(i), gpu.BusID(i)} {
			require.False(t, seen[id], id)
			seen[id] = true
		}
	}
}

func TestHealth(t *testing.T) {
	file := filepath.Join(t.TempDir(), "health.json")
	for _, missing := range []string{"", file} {
		sick, err := gpu.ReadHealth(missing)
		require.NoError(t, err)
		require.Empty(t, sick)
	}
	want := map[int]string{1: "Xid 79", 3: "fell off the bus"}
	require.NoError(t, gpu.WriteHealth(file, want))
	sick, err := gpu.ReadHealth(file)
	require.NoError(t, err)
	require.Equal(t, want, sick)
	require.NoError(t, gpu.WriteHealth(file, nil))
	sick, err = gpu.ReadHealth(file)
	require.NoError(t, err)
	require.Empty(t, sick)
	require.NoError(t, os.WriteFile(file, []byte("[1]"), 0o600))
	_, err = gpu.ReadHealth(file)
	require.ErrorContains(t, err, `want an object such as {"0": "reason"}`)
	require.Error(t, gpu.WriteHealth(filepath.Join(file, "below"), nil))
	_, err = gpu.ReadHealth(t.TempDir())
	require.Error(t, err, "a folder")
}
