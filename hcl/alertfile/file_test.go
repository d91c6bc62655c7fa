package alertfile_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/hcl/alertfile"
	"github.com/emprops/machinectl/hcl/diag"
)

func given() alertfile.Source {
	return alertfile.Source{
		Env: func(name string) (string, bool) {
			v, ok := map[string]string{"OPS_URL": "https://ops.example/hook?token=t0psecret", "BAD_URL": "t0psecret"}[name]
			return v, ok
		},
		File: func(name string) ([]byte, error) {
			if name == "/run/slack" {
				return []byte("https://chat.example/t0psecret\n"), nil
			}
			return nil, errors.New("t0psecret")
		},
	}
}

func TestParse(t *testing.T) {
	c, diags := alertfile.Parse("alerts.hcl", []byte(`
receiver "ops" {
  webhook { url_env = "OPS_URL" }
}
receiver "chat" {
  slack { url_file = "/run/slack" }
}
defaults {
  receivers = ["ops"]
  repeat    = "1h"
}
rule "wait_over_target" {
  threshold = 3
  for       = "5m"
  severity  = "info"
  receivers = ["chat", "log"]
}
rule "unwatched" { enabled = false }
rule "dead_letters" {
  threshold = 10.5
  repeat = "0s"
}
`), given())
	require.Empty(t, diags)
	require.Len(t, c.Rules, len(alertfile.Rules())-1)
	got := map[string]alertfile.Setting{}
	for _, s := range c.Rules {
		got[s.Name] = s
	}
	wait := got["wait_over_target"]
	require.InDelta(t, 3, wait.Threshold, 0)
	require.Equal(t, []any{5 * time.Minute, time.Hour, "info", []string{"chat", "log"}}, []any{wait.For, wait.Repeat, wait.Severity, wait.Receivers})
	require.Zero(t, got["dead_letters"].Repeat)
	require.Equal(t, []string{"ops"}, got["crash_loop"].Receivers)
	require.NotContains(t, got, "unwatched")
	require.Equal(t, []alertfile.Receiver{
		{Name: "ops", Kind: alertfile.Webhook, URL: "https://ops.example/hook?token=t0psecret"},
		{Name: "chat", Kind: alertfile.Slack, URL: "https://chat.example/t0psecret"},
		{Name: "log", Kind: alertfile.Log},
	}, c.Receivers)

	c, diags = alertfile.Parse("empty.hcl", nil, given())
	require.Empty(t, diags)
	require.Equal(t, alertfile.Default(), c)
}

// TestWrong: each mistake gives one error, at its line, which never shows a URL.
func TestWrong(t *testing.T) {
	for _, c := range []struct{ text, at, summary, advice string }{
		{`rule "wait_over_targt" {}`, "a:1", `There is no rule "wait_over_targt"`, `Did you mean "wait_over_target"?`},
		{"rule \"no_room\" {}\nrule \"no_room\" {}", "a:2", `The rule "no_room" is already configured`, "Merge"},
		{`rule "crash_loop" { threshold = 2 }`, "a:1", `The rule "crash_loop" has no threshold`, "Remove"},
		{`rule "dead_letters" { threshold = -1 }`, "a:1", "Negative threshold", "from 0, in jobs"},
		{`rule "dead_letters" { threshold = "many" }`, "a:1", "Unsuitable value type", ""},
		{`rule "dead_letters" { for = 5 }`, "a:1", `"5" is not a duration`, "unit"},
		{`rule "dead_letters" { for = "-5m" }`, "a:1", `"-5m" is not a duration`, "unit"},
		{`rule "dead_letters" { repeat = "soon" }`, "a:1", `"soon" is not a duration`, "unit"},
		{`rule "dead_letters" { severity = "pag" }`, "a:1", `There is no severity "pag"`, `"page"`},
		{`rule "dead_letters" { receivers = ["opps"] }`, "a:1", `There is no receiver "opps"`, "log"},
		{`rule "dead_letters" { receivers = "log" }`, "a:1", "Unsuitable value type", ""},
		{`rule "dead_letters" { treshold = 1 }`, "a:1", "Unsupported argument", ""},
		{`rules "dead_letters" { }`, "a:1", "Unsupported block type", ""},
		{"defaults {}\ndefaults {}", "a:2", "Second defaults block", "Merge"},
		{`receiver "x" {}`, "a:1", `The receiver "x" needs one of webhook, slack and log`, "url_env"},
		{"receiver \"x\" {\n log {}\n slack { url = \"https://h/\" }\n}", "a:1", `The receiver "x" needs one of webhook, slack and log`, "url_env"},
		{"receiver \"log\" {\n log {}\n}\nreceiver \"log\" {\n log {}\n}", "a:4", `The receiver "log" is already declared`, "rename"},
		{"receiver \"x\" {\n webhook {}\n}", "a:2", "A receiver needs one URL", "Write one of"},
		{"receiver \"x\" {\n webhook {\n url = \"https://t0psecret/\"\n url_env = \"OPS_URL\"\n}\n}", "a:2", "A receiver needs one URL", "Write one of"},
		{"receiver \"x\" {\n webhook { url = \"t0psecret\" }\n}", "a:2", "The receiver's URL is not one of http or https", "https://host/path"},
		{"receiver \"x\" {\n webhook { url_env = \"BAD_URL\" }\n}", "a:2", "The receiver's URL is not one of http or https", "https://host/path"},
		{"receiver \"x\" {\n webhook { url_env = \"NO_URL\" }\n}", "a:2", "The environment variable NO_URL is not set", "Set it"},
		{"receiver \"x\" {\n slack { url_file = \"/nowhere\" }\n}", "a:2", "The file /nowhere can't be read", "Create it"},
		{`rule "dead_letters" {`, "a:1", "Unclosed configuration block", ""},
	} {
		_, diags := alertfile.Parse("a", []byte(c.text), given())
		require.Len(t, diags, 1, c.text)
		d := diags[0]
		require.Equal(t, c.summary, d.Summary, c.text)
		require.True(t, strings.HasPrefix(d.Subject.String(), c.at+","), "%s is at %s", c.text, d.Subject)
		require.Contains(t, diag.AdviceOf(d), c.advice)
		require.NotContains(t, d.Summary+d.Detail+diag.AdviceOf(d), "t0psecret")
	}
}

// FuzzParse: no file makes it panic.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`rule "dead_letters" { threshold = 1 }`))
	f.Add([]byte("receiver \"x\" {\n webhook { url_env = \"OPS_URL\" }\n}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, diags := alertfile.Parse("a", text, given())
		for _, s := range c.Rules {
			if !diags.HasErrors() && (s.For < 0 || s.Repeat < 0 || s.Threshold < 0) {
				t.Errorf("%+v", s)
			}
		}
	})
}
