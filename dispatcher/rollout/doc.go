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
// # Full nodes
//
// Where the surge finds no room because nodes are full, it is taken back, and machines are replaced one by one: an old one
// goes, and once it has ended a new one is asked for. The pool is then one machine short until that one is ready, so that a
// cluster with a single GPU gets through too, and doesn't grow until the rollout has ended.
//
// The order matters. In the evaluation that stops a machine, Nomad gives its GPU at once to another group of the same job
// that waits for one, while the old task is still ending: two tasks would share a GPU. In a later evaluation it does not.
// So no plan ever stops a machine of one group while a machine of another group waits for a place that it could take.
//
// How many machines fit is what the plan remembers ([Plan.Fits]); the caller keeps it with the scaling events in Nomad, for
// as long as the same revision is wanted and the nodes are the same.
//
// # When it stops
//
// A wanted machine that crashes, is not ready in time, or fits no node at all stalls the rollout: nothing moves, the old
// revision serves, also what the pool grows by. It goes on by itself when the machine becomes ready after all, and back
// when the old revision is applied again.
//
// Everything else is derived from the present state, so that a restart of the dispatcher changes nothing.
package rollout
