// Package rollout decides how many machines each revision of a pool should have while capacity moves from old revisions
// to the wanted one. It is pure, like package scaler, which decides the pool's total. Package resize carries out both
// decisions.
//
// # How capacity moves
//
// The wanted group gets one machine beyond the total (the surge, which may exceed the pool's maximum by one). Once that
// machine reports ready, an old one may go: it is drained, finishes its jobs, and the old group shrinks by one. So
// ready capacity never falls below the total, and no job is interrupted. An empty old group is removed.
//
//	wanted = total + 1 − old        (never fewer than it has within the total)
//	old    = total − ready machines of the wanted group
//
// # Full nodes
//
// If the surge finds no room because nodes are full, it is withdrawn, and machines are replaced one by one: an old one
// goes, and once it has ended a new one is requested. The pool is one machine short until the new one is ready. This
// way even a cluster with a single GPU completes a rollout. The pool doesn't grow until the rollout has ended.
//
// The order matters. In the evaluation that stops a machine, Nomad immediately gives its GPU to another group of the
// same job that waits for one, while the old task is still ending: two tasks would share a GPU. In a later evaluation
// it does not. So no plan ever stops a machine of one group while a machine of another group waits for a place that it
// could take.
//
// The plan remembers how many machines fit ([Plan.Fits]). The caller stores that with the scaling events in Nomad, and
// keeps it while the wanted revision and the nodes stay the same.
//
// # When it stops
//
// A wanted machine that crashes, is not ready in time, or fits no node at all stalls the rollout: nothing moves, and
// the old revision serves all jobs, including those that the pool grows for. The rollout resumes when the machine
// becomes ready after all, and reverts when the old revision is applied again.
//
// Everything else is derived from the current state, so a restart of the dispatcher changes nothing.
package rollout
