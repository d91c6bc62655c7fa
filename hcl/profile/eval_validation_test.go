package profile_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/hcl/diag"
	"github.com/emprops/machinectl/hcl/profile"
)

// The message of a sensitive variable's validation shows (sensitive) for values that it quotes. Where it calculates with them,
// it isn't shown: what comes out of a calculation with a placeholder is false, with the value a secret.
func TestValidationMessageOfSensitiveVariable(t *testing.T) {
	const notShown = "A validation block refuses it. Its message isn't shown, because it calculates with sensitive values."
	for message, want := range map[string]string{
		`"Too short: ${var.token}."`: "Too short: (sensitive).",
		`"${var.token}"`:             "(sensitive)",
		`var.token`:                  "(sensitive)",
		`("${var.plain}: ${(var.token)}, ${length(var.plain)}")`:       "five!: (sensitive), 5",
		`"${var.box.key}, ${var.list[0]}, ${var.number}"`:              "(sensitive), (sensitive), (sensitive)",
		`nonsensitive("${length(var.token)} characters")`:              "6 characters",
		`"The token has ${length(var.token)} characters"`:              notShown,
		`"${upper(var.token)}"`:                                        notShown,
		`"${var.plain}${substr(var.token, 0, 3)}"`:                     notShown,
		`"%{ if var.token == "x" }short%{ else }long%{ endif }"`:       notShown,
		`"${var.token == "x" ? "short" : "long"}"`:                     notShown,
		`"%{ for c in var.list }${c}%{ endfor }"`:                      notShown,
		`format("%s", var.token)`:                                      notShown,
		"<<-EOT\n    The token ${var.token}\n    is too short.\n  EOT": "The token (sensitive)\nis too short.\n",
	} {
		t.Run(message, func(t *testing.T) {
			src := `
variable "plain" { default = "five!" }
variable "number" {
  default   = 918273645
  sensitive = true
}
variable "list" {
  default   = ["sesame"]
  sensitive = true
}
variable "box" {
  default   = { key = "sesame" }
  sensitive = true
}
variable "token" {
  type      = string
  sensitive = true
  validation {
    condition     = length(var.token) > 99
    error_message = ` + message + `
  }
}
`
			_, diags := profile.LoadBytes([]byte(src), "p.hcl", profile.Options{Vars: map[string]string{"token": "sesame"}})
			var errs []string
			for _, d := range diags {
				if d.Severity == 1 {
					errs = append(errs, d.Summary+": "+d.Detail)
				}
			}
			require.Equal(t, []string{`Invalid value for variable "token": ` + want}, errs)
		})
	}
}

// A condition may name other variables, whichever is declared first and in whichever file.
func TestValidationNamesOtherVariables(t *testing.T) {
	const a = `
variable "a" {
  type = number
  validation {
    condition     = var.a <= var.b
    error_message = "At most ${var.b}, not ${var.a}."
  }
}
`
	const b = `
variable "b" {
  default = 3
}
`
	for name, sources := range map[string][]string{
		"before": {"p.hcl", b + a}, "after": {"p.hcl", a + b}, "in another file": {"a.hcl", a, "b.hcl", b},
	} {
		t.Run(name, func(t *testing.T) {
			var paths []string
			fsys := fstest.MapFS{}
			for i := 0; i < len(sources); i += 2 {
				paths = append(paths, sources[i])
				fsys[sources[i]] = &fstest.MapFile{Data: []byte(sources[i+1])}
			}
			require.Empty(t, problems(t, paths, profile.Options{FS: fsys, Vars: map[string]string{"a": "2"}}))
			require.Contains(t, problems(t, paths, profile.Options{FS: fsys, Vars: map[string]string{"a": "4"}}), "At most 3, not 4.")
		})
	}
}

// A value that its own validation refuses is reported once, also if other variables' conditions fail because of it.
func TestValidationOfDependentsIsSilent(t *testing.T) {
	small := `
variable "small" {
  default = 9
  validation {
    condition     = var.small < 5
    error_message = "Too large."
  }
}
`
	other := `
variable "other" {
  default = 7
  validation {
    condition     = var.other > var.small
    error_message = "Must be more than small."
  }
}
`
	for _, src := range []string{small + other, other + small} {
		got := problems(t, []string{"p.hcl"}, profile.Options{FS: fstest.MapFS{"p.hcl": {Data: []byte(src)}}})
		require.Contains(t, got, "Too large.")
		require.NotContains(t, got, "Must be more than small.")
	}
}

// problems returns the errors of a load as they are printed; warnings are left out.
func problems(t *testing.T, paths []string, opts profile.Options) string {
	t.Helper()
	p, diags := profile.Load(paths, opts)
	if !diags.HasErrors() {
		return ""
	}
	var b strings.Builder
	require.NoError(t, diag.Printer{Sources: p.Sources}.Text(&b, diags))
	return b.String()
}
