package agent

import (
	"log/slog"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/agent/connector"
	"github.com/emprops/machinectl/hcl/manifest"
)

// The agent has a constructor for each connector that the language accepts, and for no other; each constructor takes the
// settings that the language accepts, and no other; and each wants a service where the language asks for one.
func TestConnectorsAreThoseOfTheLanguage(t *testing.T) {
	made := connectors()
	var implemented []string
	for _, c := range manifest.Connectors() {
		if c.Implemented {
			implemented = append(implemented, c.Name)
		}
	}
	require.ElementsMatch(t, implemented, slices.Collect(maps.Keys(made)))

	for _, c := range manifest.Connectors() {
		if !c.Implemented {
			require.Empty(t, c.Settings, "%s: settings of a connector that has no reader", c.Name)
			continue
		}
		try := func(addr string, settings map[string]string) error {
			_, err := made[c.Name](connector.Config{
				Worker: manifest.Worker{Name: "w", Connector: c.Name, Settings: settings}, Addr: addr, Logger: slog.New(slog.DiscardHandler),
			})
			return err
		}
		require.NoError(t, try("127.0.0.1:1", nil), c.Name)
		require.Equal(t, c.Service, try("", nil) != nil, "%s: needs a service", c.Name)
		require.ErrorContains(t, try("127.0.0.1:1", map[string]string{"no-such-setting": "1"}), "no-such-setting", c.Name)
		for _, s := range c.Settings {
			require.NotEmpty(t, s.Doc)
			require.True(t, s.Accepts(s.Default), s.Name)
			for _, value := range []string{s.Default, "true", "0", "-1", "2.5", "NaN", "Inf", "x", ""} {
				err := try("127.0.0.1:1", map[string]string{s.Name: value})
				require.Equal(t, s.Accepts(value), err == nil, "%s: %s = %q: %v", c.Name, s.Name, value, err)
			}
		}
	}
}
