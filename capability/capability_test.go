package capability

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseCanonical(t *testing.T) {
	for _, c := range []struct {
		name string
		in   string // JSON of one entry's value
		want string
	}{
		{"memory", `">=24GiB"`, ">=24GiB"},
		{"memory", `" >= 24576 MiB "`, ">=24GiB"},
		{"memory", `">=24GiB, >=16GiB, <48GiB"`, ">=24GiB, <48GiB"},
		{"memory", `">=24GiB, <=24GiB"`, "=24GiB"},
		{"memory", `"≥0.5GiB"`, ">=512MiB"},
		{"memory", `{"min":"16GiB","max":"48GB"}`, ">=16GiB, <=48GB"},
		{"driver", `">=550"`, ">=550"},
		{"driver", `">=550.0"`, ">=550"},
		{"driver", `"~>12.4"`, ">=12.4, <13"},
		{"driver", `"~>12.4.1"`, ">=12.4.1, <12.5"},
		{"driver", `"535.104.05"`, "=535.104.5"},
		{"model", `"flux-dev"`, "=flux-dev"},
		{"model", `["flux-dev"]`, "=flux-dev"},
		{"model", `["sdxl","flux-dev","sdxl"]`, "all(flux-dev, sdxl)"},
		{"model", `"flux-dev, sdxl"`, "all(flux-dev, sdxl)"},
		{"model", `{"any":["b","a"]}`, "any(a, b)"},
		{"model", `"any(b, a, c), !=c"`, "any(a, b), !=c"},
		{"model", `"any(b, c), none(c, d)"`, "=b, none(c, d)"},
		{"model", `"any(a, b), a"`, "=a"},
		{"model", `"any(a, b, c), any(a, b)"`, "any(a, b)"},
		{"gpu.name", `"RTX 4090"`, "=RTX 4090"},
		{"gpu.name", `"\"a, (b)\""`, `="a, (b)"`},
		{"gpu.name", `["a, (b)"]`, `="a, (b)"`},
		{"zone", `"!=eu"`, "!=eu"},
		{"zone", `"*"`, "*"},
		{"zone", `"*, a"`, "=a"},
		{"zone", `"*, !=a"`, "*, !=a"},
		{"count", `2`, "=2"},
		{"count", `2.50`, "=2.5"},
		{"fast", `true`, "=true"},
		{"cpu.clock", `">=1500MHz"`, ">=1500MHz"},
		{"cpu.clock", `">=2000000kHz"`, ">=2GHz"},
	} {
		t.Run(c.name+" "+c.in, func(t *testing.T) {
			var v any
			require.NoError(t, json.Unmarshal([]byte(c.in), &v))
			r, err := Parse("comfyui", nil, map[string]any{c.name: v})
			require.NoError(t, err)
			require.Equal(t, c.want, r.Constraints[0].Expr)
			again, err := Parse("comfyui", nil, map[string]any{c.name: c.want})
			require.NoError(t, err)
			require.Equal(t, r, again)
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for _, c := range []struct{ name, in, problem string }{
		{"gpu.memory", `">=24"`, "write it with its unit, for example 24GiB"},
		{"gpu.memory", `24`, "write it with its unit"},
		{"gpu.memory", `">=24gb"`, `"gb" is not a unit`},
		{"gpu.memory", `">=24GHz"`, "is not a size of memory"},
		{"gpu.memory", `">=10GiB, <=5GiB"`, "wants >=10GiB and <=5GiB: nothing can be both"},
		{"gpu.memory", `">5GiB, <5GiB"`, "nothing can be both"},
		{"gpu.memory", `">=5GiB, <=1GHz"`, "use one unit"},
		{"gpu.memory", `">=99999999TiB"`, "too large"},
		{"driver", `">=10, <=5"`, "nothing can be both"},
		{"driver", `"=>550"`, "=> is not an operator"},
		{"driver", `"~550"`, "~ is not an operator"},
		{"driver", `"~>550"`, "two or more parts"},
		{"driver", `">=new"`, `"new" has no order`},
		{"driver", `">="`, "a value is missing"},
		{"driver", `">=550, a"`, "has a comparison and a value"},
		{"model", `"a, !=a"`, "wants a and excludes it"},
		{"model", `"any(a), !=a"`, "excludes them all"},
		{"model", `"some(a)"`, "some(…) is unknown"},
		{"model", `"any(a"`, "isn't closed"},
		{"model", `"a)"`, "don't pair up"},
		{"model", `""`, "a value is missing"},
		{"model", `[]`, "is an empty list"},
		{"model", `[">=5"]`, "a list holds plain values"},
		{"model", `[["a"]]`, "can't stand here"},
		{"model", `null`, "is null"},
		{"model", `{}`, "is an empty object"},
		{"model", `{"some":["a"]}`, "some: is unknown here"},
		{"model", `{"any":"a"}`, "any: write a list"},
		{"model", `"a\u0000b"`, "not text"},
		{"count", `-1`, "write a number of 0 or more"},
		{"Model", `"a"`, "is not a name"},
	} {
		t.Run(c.name+" "+c.in, func(t *testing.T) {
			var v any
			require.NoError(t, json.Unmarshal([]byte(c.in), &v))
			_, err := Parse("comfyui", nil, map[string]any{c.name: v})
			var field *FieldError
			require.True(t, errors.As(err, &field), "%v", err)
			require.Equal(t, `requires["`+c.name+`"]`, field.Field)
			require.Contains(t, field.Problem, c.problem)
		})
	}
	for _, c := range []struct {
		typ   string
		flags []string
		field string
	}{
		{"", nil, "type"},
		{"Comfy", nil, "type"},
		{"a-b", nil, "type"},
		{"a", []string{"ok", "not ok"}, "capabilities[1]"},
		{"a", []string{"x", "!x"}, "capabilities[0]"},
		{"a", make([]string, 33), "capabilities"},
	} {
		_, err := Parse(c.typ, c.flags, nil)
		var field *FieldError
		require.True(t, errors.As(err, &field))
		require.Equal(t, c.field, field.Field)
	}
}

func TestMatch(t *testing.T) {
	worker := Offer{Type: "comfyui", Flags: []string{"cuda", "gpu"}, Attrs: map[string]any{
		"gpu.memory": "24GiB", "driver": "550.54.15", "cuda": "12.10", "model": []string{"flux-dev", "sdxl"}, "gpu.name": "RTX 4090",
		"count": 2.0, "score": 1.5, "fast": true, "sizes": []any{"8GiB", "48GiB"},
	}}
	for _, c := range []struct{ name, in, mismatch string }{
		{"gpu.memory", ">=24GiB", ""},
		{"gpu.memory", ">=24.5GiB", "needs gpu.memory >=25088MiB, worker offers 24GiB"},
		{"gpu.memory", ">25GB", ""},
		{"gpu.memory", "<24GiB", "needs gpu.memory <24GiB, worker offers 24GiB"},
		{"driver", ">=550, <551", ""},
		{"driver", ">=550.60", "needs driver >=550.60, worker offers 550.54.15"},
		{"cuda", ">=12.4", ""},
		{"cuda", "~>12.4", ""},
		{"score", ">=1.10", ""},
		{"score", ">1.50", "needs score >1.50, worker offers 1.5"},
		{"count", "=2.0", ""},
		{"model", "flux-dev", ""},
		{"model", "all(flux-dev, sdxl)", ""},
		{"model", "all(flux-dev, wan)", "needs model all(flux-dev, wan), worker offers flux-dev, sdxl"},
		{"model", "any(wan, sdxl)", ""},
		{"model", "none(sdxl)", "needs model !=sdxl, worker offers flux-dev, sdxl"},
		{"gpu.name", "RTX 4090", ""},
		{"gpu.name", "rtx 4090", "needs gpu.name =rtx 4090, worker offers RTX 4090"},
		{"fast", "true", ""},
		{"other", "*", "needs other *, worker offers none"},
		{"other", "!=x", ""},
		{"other", "x", "needs other =x, worker offers none"},
		{"sizes", ">=16GiB, <=32GiB", "needs sizes >=16GiB, <=32GiB, worker offers 8GiB, 48GiB"},
		{"sizes", ">=32GiB", ""},
	} {
		t.Run(c.name+" "+c.in, func(t *testing.T) {
			r, err := Parse("comfyui", nil, map[string]any{c.name: c.in})
			require.NoError(t, err)
			m := r.Match(worker)
			if c.mismatch == "" {
				require.Nil(t, m)
				return
			}
			require.NotNil(t, m)
			require.Equal(t, c.mismatch, m.String())
		})
	}
	flags := func(f ...string) *Mismatch {
		r, err := Parse("comfyui", f, nil)
		require.NoError(t, err)
		return r.Match(worker)
	}
	require.Nil(t, flags("gpu", "cuda", "!spot"))
	require.Equal(t, "needs rocm, worker offers none", flags("gpu", "rocm").String())
	require.Equal(t, "needs no gpu, worker offers gpu", flags("!gpu").String())
	require.Equal(t, "needs type comfyui, worker offers type api", Requirements{Type: "comfyui"}.Match(Offer{Type: "api"}).String())
}

func TestClass(t *testing.T) {
	a, err := Parse("comfyui", []string{"gpu", "cuda", "gpu"}, map[string]any{"gpu.memory": ">=24576MiB", "model": []any{"b", "a"}})
	require.NoError(t, err)
	b, err := Parse("comfyui", []string{"cuda", "gpu"}, map[string]any{"model": "all(a,b)", "gpu.memory": ">= 24GiB"})
	require.NoError(t, err)
	require.Equal(t, a, b)
	require.Equal(t, "comfyui [cuda gpu] gpu.memory >=24GiB; model all(a, b)", a.Canonical())
	require.Equal(t, a.Class(), b.Class())
	require.Len(t, a.Class(), 16)
}

func TestOffer(t *testing.T) {
	ok := Offer{Type: "comfyui", Flags: []string{"gpu"}, Attrs: map[string]any{"gpu.memory": "24GiB", "model": []string{"a"}, "n": 1.0, "b": true}}
	require.NoError(t, ok.Validate())
	for field, bad := range map[string]Offer{
		"type":                {},
		"flags[0]":            {Type: "a", Flags: []string{"no good"}},
		`attrs["gpu.memory"]`: {Type: "a", Attrs: map[string]any{"gpu.memory": "24"}},
		`attrs["x"]`:          {Type: "a", Attrs: map[string]any{"x": map[string]any{}}},
		`attrs["X"]`:          {Type: "a", Attrs: map[string]any{"X": "a"}},
	} {
		var e *FieldError
		require.ErrorAs(t, bad.Validate(), &e)
		require.Equal(t, field, e.Field)
	}
	b, err := json.Marshal(ok)
	require.NoError(t, err)
	var decoded Offer
	require.NoError(t, json.Unmarshal(b, &decoded))
	require.Equal(t, ok.Profile(), decoded.Profile(), "the profile survives JSON")
	other := ok
	other.Flags = nil
	require.NotEqual(t, ok.Profile(), other.Profile())
	require.Equal(t, 1, ok.Advantages(other))
	require.Zero(t, other.Advantages(ok))
}
