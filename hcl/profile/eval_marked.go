package profile

import (
	"iter"
	"math/big"

	"github.com/zclconf/go-cty/cty"
)

// cty's accessors panic on a marked value, and any value can be marked: it may come from a sensitive variable. So the package
// looks into values through these functions only, which take either; the linter refuses cty's own elsewhere. Whether what they
// return may be shown is the caller's concern: see secret_sensitive.go.

func stringOf(v cty.Value) string {
	plain, _ := v.Unmark()
	return plain.AsString()
}

func boolOf(v cty.Value) bool {
	plain, _ := v.Unmark()
	return plain.True()
}

func numberOf(v cty.Value) *big.Float {
	plain, _ := v.Unmark()
	return plain.AsBigFloat()
}

// lengthOf returns the number of items in a collection.
func lengthOf(v cty.Value) int {
	plain, _ := v.Unmark()
	return plain.LengthInt()
}

// items goes over a list or map. The marks of the whole are on each of its items.
func items(v cty.Value) iter.Seq2[cty.Value, cty.Value] {
	plain, marks := v.Unmark()
	return func(yield func(cty.Value, cty.Value) bool) {
		for it := plain.ElementIterator(); it.Next(); {
			k, e := it.Element()
			k, _ = k.Unmark()
			if !yield(k, e.WithMarks(marks)) {
				return
			}
		}
	}
}

// encapsulated returns the reference to a machine that a value holds.
func encapsulated(v cty.Value) (*reference, bool) {
	if !v.Type().IsCapsuleType() {
		return nil, false
	}
	plain, _ := v.Unmark()
	ref, ok := plain.EncapsulatedValue().(*reference)
	return ref, ok
}
