package profile_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/hcl/profile"
)

func TestExpand(t *testing.T) {
	p, diags := profile.LoadBytes([]byte(`
machine "m" {
  kind  = "api"
  image = "i"
  resources {
    cpu    = 500
    memory = "256MiB"
  }
  agent { redis = "redis://localhost:6379" }
  service "s" {
    port = "http"
    args = ["a$${b}-${self.port}${self.addr}.", upper("x${nomad.alloc_id}"), substr("${nomad.alloc_dir}/y", 0, 2), "plain", ""]
  }
  worker "w" { connector = "simulation" }
}
pool "p" {
  machine = machine.m
  size { max = 1 }
}
`), "p.hcl", profile.Options{})
	require.Empty(t, diags)
	var got []string
	for _, arg := range p.Machines["m"].Services[0].Args {
		got = append(got, profile.Expand(arg,
			func(s string) string { return strings.ReplaceAll(s, "${", "$${") },
			func(name string) string { return "<" + name + ">" }))
	}
	require.Equal(t, []string{"a$${b}-<self.port><self.addr>.", "X<nomad.alloc_id>", "<nomad.alloc_dir>/", "plain", ""}, got)
	require.Equal(t, "X{nomad.alloc_id}", profile.Expand(p.Machines["m"].Services[0].Args[1], nil, nil))
}

func TestSize(t *testing.T) {
	for text, want := range map[string]int64{
		"1B": 1, "512MiB": 512 << 20, "4GiB": 4 << 30, "1.5 GiB": 3 << 29, "1TiB": 1 << 40, "24GB": 24e9, "300MB": 300e6, "2kB": 2000, " 7KiB ": 7 << 10,
	} {
		got, err := profile.ParseSize(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for text, want := range map[string]string{
		"": "doesn't start with a number", "GiB": "doesn't start with a number", "-1GiB": "at least one byte", "4": "the unit is missing",
		"4gib": `the unit "gib" is unknown`, "1e30GiB": "at most 8 EiB", "0MiB": "at least one byte", "0x10MiB": "number", "NaNMiB": "number", "infGiB": "number",
	} {
		_, err := profile.ParseSize(text)
		require.ErrorContains(t, err, want, text)
	}
	for want, bytes := range map[string]int64{"24GiB": 24 << 30, "1536MiB": 3 << 29, "24GB": 24e9, "0B": 0, "1001B": 1001, "2TiB": 2 << 40} {
		require.Equal(t, want, profile.FormatSize(bytes))
	}
}
