package contract

import (
	"testing"
)

// behaviour is one behaviour of Nomad that machinectl relies on.
type behaviour struct {
	name  string
	check func(l *lab)
}

// Run checks every behaviour against a target. Behaviours that need all GPUs run first, one after the other; the rest
// run in parallel.
func Run(t *testing.T, target Target) {
	t.Helper()
	for _, b := range deviceBehaviours() {
		t.Run(b.name, func(t *testing.T) { b.check(newLab(t, target)) })
	}
	var rest []behaviour
	for _, list := range [][]behaviour{healthBehaviours(), scalingBehaviours(), updateBehaviours(), planBehaviours(), taskBehaviours(), environmentBehaviours(), apiBehaviours()} {
		rest = append(rest, list...)
	}
	for _, b := range rest {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			b.check(newLab(t, target))
		})
	}
}
