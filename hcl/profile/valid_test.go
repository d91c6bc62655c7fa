package profile_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/hcl/profile"
)

var update = flag.Bool("update", false, "write the golden files")

// Each profile of testdata/valid loads without any diagnostic and gives the profile in the golden file beside it. A file
// x.vars.hcl gives the variables of x.hcl.
func TestValid(t *testing.T) {
	entries, err := os.ReadDir("testdata/valid")
	require.NoError(t, err)
	for _, e := range entries {
		name := strings.TrimSuffix(e.Name(), ".hcl")
		if strings.HasSuffix(name, ".vars") || strings.HasSuffix(name, ".json") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			path := filepath.Join("testdata/valid", e.Name())
			opts := profile.Options{}
			for _, vars := range []string{filepath.Join("testdata/valid", name+".vars.hcl"), filepath.Join(path, "given.vars.hcl")} {
				if _, err := os.Stat(vars); err == nil {
					opts.VarFiles = append(opts.VarFiles, vars)
				}
			}
			golden(t, filepath.Join("testdata/valid", name+".json"), path, opts)
		})
	}
}

// The worked examples; the first one in both of its forms.
func TestExample(t *testing.T) {
	for _, name := range []string{"comfyui", "hosted-apis", "regions", "operators"} {
		golden(t, "testdata/example-"+name+".json", "../../examples/"+name+"/profiles.hcl", profile.Options{})
	}
	const dir = "../../examples/emprops/"
	golden(t, "testdata/example-production.json", dir+"profiles.hcl", profile.Options{})
	golden(t, "testdata/example-demo.json", dir+"profiles.hcl", profile.Options{
		VarFiles: []string{dir + "demo.vars.hcl"},
		Vars:     map[string]string{"agent_binary": "/build/bin/machine-agent", "sim_binary": "/build/bin/machine-sim", "redis_url": "redis://127.0.0.1:6379", "blob_url": "file:///tmp/blobs"},
	})
}

func golden(t *testing.T, file, path string, opts profile.Options) {
	t.Helper()
	p, diags := profile.Load([]string{path}, opts)
	for _, d := range diags {
		t.Errorf("not expected:\n%s", shown(p, d))
	}
	text := dump(reflect.ValueOf(p))
	for i, pool := range p.Pools {
		if p.Machines[pool.Machine.Name] != pool.Machine { // with an override
			text.(map[string]any)["Pools"].([]any)[i].(map[string]any)["Machine"] = dump(reflect.ValueOf(pool.Machine))
		}
	}
	got, err := json.MarshalIndent(text, "", "  ")
	require.NoError(t, err)
	got = append(got, '\n')
	if *update {
		require.NoError(t, os.WriteFile(file, got, 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
}

// dump makes a value readable as JSON: nothing that is zero, no places in the source, durations and run-time values as
// people write them.
func dump(v reflect.Value) any {
	switch x := v.Interface().(type) {
	case time.Duration:
		return x.String()
	case string:
		return profile.Expand(x, nil, nil)
	case hcl.Range:
		return nil
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return dump(v.Elem())
	case reflect.Slice:
		list := []any{}
		for i := range v.Len() {
			list = append(list, dump(v.Index(i)))
		}
		return list
	case reflect.Map:
		m := map[string]any{}
		for _, k := range v.MapKeys() {
			m[k.String()] = dump(v.MapIndex(k))
		}
		return m
	case reflect.Struct:
		m := map[string]any{}
		for i := range v.NumField() {
			name := v.Type().Field(i).Name
			if d := dumpField(v, name, i); d != nil {
				m[name] = d
			}
		}
		return m
	default:
		return v.Interface()
	}
}

func dumpField(v reflect.Value, name string, i int) any {
	field := v.Field(i)
	switch {
	case name == "Sources" || name == "Order" || name == "Disguise" || field.IsZero():
		return nil
	case name == "Machine" && v.Type() == reflect.TypeFor[profile.Pool]():
		return field.Interface().(*profile.Machine).Name
	default:
		return dump(field)
	}
}
