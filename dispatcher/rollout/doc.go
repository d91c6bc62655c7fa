// Package rollout decides how many machines each revision of a pool should have while capacity moves from old revisions
// to the wanted one. It is pure, like package scaler, which decides the pool's total; package resize carries both out.
//
// # How capacity moves
//
// The wanted group gets one machine more than fits the total (the surge; it may exceed the pool's maximum by one). Once
// that machine reports ready, an old one may go: it is drained, finishes its jobs, and the old group shrinks by one. So
// the ready capacity never falls below the total, and no job is interrupted. When an old group is empty it is removed.
//
//	wanted = total + 1 − old        (never fewer than it has within the total)
//	old    = total − ready machines of the wanted group
//
// Where the surge finds no room because nodes are full, one old machine goes first, so that a cluster with a single GPU
// gets through too; the pool is then one machine short until the new one is ready.
//
// # When it stops
//
// A wanted machine that crashes, is not ready in time, or fits no node at all stalls the rollout: nothing moves, the old
// revision serves, also what the pool grows by. It goes on by itself when the machine becomes ready after all, and back
// when the old revision is applied again.
//
// Everything is derived from the present state, so that a restart of the dispatcher changes nothing.
package rollout
