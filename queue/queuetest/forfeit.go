package queuetest

import (
	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/queue"
)

// forfeit checks that a restarted agent immediately gives back its jobs, and that other machines keep theirs.
func forfeit(f *fixture) {
	j := f.submit(nil)
	crashed := f.mustClaim(f.register("m1"))
	other := f.submit(nil)
	kept := f.mustClaim(f.register("m2"))

	n, err := f.Forfeit(f.ctx, "m1")
	require.NoError(f.t, err)
	require.Equal(f.t, 1, n)
	got := f.get(j.ID)
	require.Equal(f.t, queue.Waiting, got.State)
	require.Equal(f.t, 1, got.LostLeases)
	require.ErrorIs(f.t, f.Complete(f.ctx, crashed.Lease, queue.Result{}), queue.ErrStale)
	require.Equal(f.t, queue.Running, f.get(other.ID).State)
	require.NoError(f.t, f.Complete(f.ctx, kept.Lease, queue.Result{}))

	n, err = f.Forfeit(f.ctx, "m1")
	require.NoError(f.t, err)
	require.Zero(f.t, n)
}
