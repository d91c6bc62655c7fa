package capability

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// The names and values are few, so that requirements and offers often match.
var (
	someWord     = rapid.SampledFrom([]string{"a", "b", "c d", "x, y", "1.2", "1.10", "7", "true", `q"q`})
	someVersion  = rapid.SampledFrom([]string{"1", "1.2", "1.10", "2.0", "1.2.3", "1.2-rc1", "7", "12.4"})
	someQuantity = rapid.SampledFrom([]string{"1GiB", "1024MiB", "2GiB", "1.5GiB", "3GB", "8TiB"})
	someName     = rapid.SampledFrom([]string{"alpha", "beta", "gamma.delta"})
)

func quoted(s string) string { return fmt.Sprintf("%q", s) }

var someTerm = rapid.Custom(func(t *rapid.T) string {
	words := rapid.SliceOfN(rapid.Map(someWord, quoted), 1, 4)
	ordered := rapid.OneOf(someVersion, someQuantity)
	switch rapid.IntRange(0, 6).Draw(t, "form") {
	case 0:
		return rapid.SampledFrom([]string{">=", "<=", ">", "<", "=", "!="}).Draw(t, "op") + ordered.Draw(t, "v")
	case 1:
		return "~>" + rapid.SampledFrom([]string{"1.2", "12.4", "1.2.3"}).Draw(t, "v")
	case 2:
		return "*"
	case 3:
		return words.Draw(t, "w")[0]
	}
	return rapid.SampledFrom([]string{"any", "all", "none"}).Draw(t, "f") + "(" + strings.Join(words.Draw(t, "ws"), ",") + ")"
})

var someRequires = rapid.Custom(func(t *rapid.T) map[string]any {
	out := map[string]any{}
	for _, name := range rapid.SliceOfNDistinct(someName, 0, 3, rapid.ID).Draw(t, "names") {
		out[name] = strings.Join(rapid.SliceOfN(someTerm, 1, 3).Draw(t, "terms"), ", ")
	}
	return out
})

var someValue = rapid.Custom(func(t *rapid.T) any {
	one := rapid.OneOf(rapid.Map(rapid.OneOf(someWord, someVersion, someQuantity), func(s string) any { return s }),
		rapid.Map(rapid.SampledFrom([]float64{1, 1.2, 1.1, 7}), func(f float64) any { return f }), rapid.Just[any](true))
	if rapid.Bool().Draw(t, "list") {
		return rapid.SliceOfN(one, 0, 4).Draw(t, "values")
	}
	return one.Draw(t, "value")
})

var someOffer = rapid.Custom(func(t *rapid.T) Offer {
	return Offer{
		Type: "t", Flags: rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"f", "g", "h"}), 0, 3, rapid.ID).Draw(t, "flags"),
		Attrs: rapid.MapOfN(someName, someValue, 0, 3).Draw(t, "attrs"),
	}
})

func parsed(t *rapid.T) (Requirements, map[string]any) {
	requires := someRequires.Draw(t, "requires")
	flags := rapid.SliceOfN(rapid.SampledFrom([]string{"f", "g", "!h"}), 0, 3).Draw(t, "wanted")
	r, err := Parse("t", flags, requires)
	if err != nil {
		var field *FieldError
		require.True(t, errors.As(err, &field))
		t.Skip("refused: " + err.Error())
	}
	return r, requires
}

// back converts canonical requirements to Parse's input.
func back(r Requirements) map[string]any {
	out := map[string]any{}
	for _, c := range r.Constraints {
		out[c.Name] = c.Expr
	}
	return out
}

func TestCanonicalisationIsIdempotent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, _ := parsed(t)
		again, err := Parse("t", r.Flags, back(r))
		require.NoError(t, err)
		require.Equal(t, r, again)
	})
}

// Order, repetition and spelling don't matter.
func TestEqualMeaningEqualClass(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, requires := parsed(t)
		other := map[string]any{}
		for name, v := range requires {
			terms, err := splitTop(v.(string))
			require.NoError(t, err)
			terms = append(terms, terms[rapid.IntRange(0, len(terms)-1).Draw(t, "repeat")])
			terms = rapid.Permutation(terms).Draw(t, "order")
			text := strings.Join(terms, " , ")
			text = strings.NewReplacer("1GiB", "1024MiB", "2.0", "2.0.0", "3GB", "3000MB").Replace(text)
			other[name] = text
		}
		flags := append(slices.Clone(r.Flags), r.Flags...)
		again, err := Parse("t", flags, other)
		require.NoError(t, err)
		require.Equal(t, r.Canonical(), again.Canonical())
		require.Equal(t, r.Class(), again.Class())
	})
}

// The canonical form keeps the meaning: matching each part as it was written gives the same answer.
func TestCanonicalFormKeepsTheMeaning(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, requires := parsed(t)
		o := someOffer.Draw(t, "offer")
		for name, v := range requires {
			raw, err := parseExpr(v.(string))
			require.NoError(t, err)
			var values []offered
			if a, ok := o.Attrs[name]; ok {
				values, err = offeredValues(a)
				require.NoError(t, err)
			}
			i := slices.IndexFunc(r.Constraints, func(c Constraint) bool { return c.Name == name })
			require.Equal(t, raw.matches(values), r.Constraints[i].match(o.Attrs) == nil, "%s against %v", v, values)
		}
	})
}

// Offering more never makes a worker unfit, provided that nothing is excluded.
func TestMatchingIsMonotone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, _ := parsed(t)
		if slices.ContainsFunc(r.Flags, func(f string) bool { return f[0] == '!' }) ||
			slices.ContainsFunc(r.Constraints, func(c Constraint) bool { return strings.Contains(c.Expr, "!=") || strings.Contains(c.Expr, "none(") }) {
			t.Skip("excludes something")
		}
		o := someOffer.Draw(t, "offer")
		if r.Match(o) != nil {
			t.Skip("doesn't fit anyway")
		}
		more := Offer{Type: o.Type, Flags: append(slices.Clone(o.Flags), "f", "g", "h"), Attrs: maps.Clone(o.Attrs)}
		extra := someOffer.Draw(t, "more")
		for name, v := range extra.Attrs {
			more.Attrs[name] = append(anyList(o.Attrs[name]), anyList(v)...)
		}
		require.Nil(t, r.Match(more))
	})
}

func anyList(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		return slices.Clone(v)
	}
	return []any{v}
}

func TestProfileIgnoresOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := someOffer.Draw(t, "offer")
		p := Offer{Type: o.Type, Flags: rapid.Permutation(o.Flags).Draw(t, "flags"), Attrs: map[string]any{}}
		for name, v := range o.Attrs {
			p.Attrs[name] = v
			if l, ok := v.([]any); ok {
				p.Attrs[name] = rapid.Permutation(l).Draw(t, "list")
			}
		}
		require.Equal(t, o.Profile(), p.Profile())
	})
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		">=24GiB", ">=1, <2", "~>12.4", "any(a, b), none(c)", `"quo\"ted"`, "*", "1.2.3-rc1+cu124", "all(", "))", "!=", "=,=", "≥5", ">=\x00", "\xff",
		"a, b, a", ">=01.10.0", `any("a, b", c)`, ">=99999999999999999999GiB", "=1.0, =1",
	} {
		f.Add(seed, "1.5GiB")
	}
	f.Fuzz(func(t *testing.T, text, offer string) {
		r, err := Parse("t", nil, map[string]any{"x": text})
		if err != nil {
			var field *FieldError
			require.True(t, errors.As(err, &field))
			require.Equal(t, `requires["x"]`, field.Field)
			return
		}
		again, err := Parse("t", nil, back(r))
		require.NoError(t, err)
		require.Equal(t, r, again)
		o := Offer{Type: "t", Attrs: map[string]any{"x": offer}}
		if o.Validate() == nil {
			r.Match(o)
			o.Profile()
		}
	})
}
