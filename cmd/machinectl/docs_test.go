package main

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/urfave/cli/v3"
)

var update = flag.Bool("update", false, "write docs/cli.md anew")

// TestDocs checks that docs/cli.md is what the commands' help texts make.
func TestDocs(t *testing.T) {
	const path = "../../docs/cli.md"
	want := reference(newRoot(streams{out: os.Stdout, err: os.Stderr}))
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(want), 0o644))
	}
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, want, string(got), "write it anew: go test ./cmd/machinectl -run TestDocs -update")
}

// jsonForms describes what -json writes.
const jsonForms = `## JSON

With -json a command writes one JSON document to standard output, and nothing to standard error; logs writes one object per line, and
dev a line when it is up. Fields are added over time and keep their meaning.

- Where a command fails, the document has an "error" object: "kind" (failed, profile, usage, conflict, not_ready, interrupted),
  "exit_code", "message", and where they apply "pool" and "moved" (a conflict), "pools" (what isn't ready, with the task
  that fails and the end of its log), "code" and "field" (a refusal of the dispatcher).
- A profile with errors gives "errors", "warnings" and "diagnostics": severity, summary, detail, advice, range (file, start and
  end with line and column), snippet. validate gives the same without "error" where there are only warnings; plan and apply have them as
  "warnings".
- plan and diff: "changes" and "pools", each with its action, changes, groups, how many machines are "ready" of its "minimum", what
  Nomad can't place and why, and with -verbose Nomad's own "diff"; "crowded" are pools that fit one by one, but not together. apply and
  rollback add "ready", "state" (machines ready, goal, what fails) and "seconds".
- status and machines: "pools" with their place (namespace), groups and machines, and "dispatcher" with "unwatched", the pools that
  no dispatcher resizes. pools: "pools" as the dispatcher reports them, each with its "decision", "paused" types and "groups", and
  "unwatched". jobs: what the dispatcher answers; submit: the job. pause and resume: "type", "paused", "reason", "paused_before",
  "known", and the type's jobs "running" and "waiting".
- Times are RFC 3339, durations text as in profiles ("30s", "1m0s").
- destroy: "pools", each with "machines" and "stopped"; fmt: "changed" and "files"; init: "written"; restart: "machine", "task",
  "state"; acl: "role", "namespaces", "policy", and acl redis "users"; token create and rotate: "token", the secret, and "about";
  token list and revoke: "tokens"; audit: "records" and "next"; dev: "nomad", "redis", "dispatcher", "token", "blobs", "dir", "parts"; render: Nomad's job, or with -hcl "pool" and "hcl".

Commands that ask need -auto-approve with -json.
`

// Every command has a form for programs.
func TestEveryCommandHasJSON(t *testing.T) {
	for _, c := range everyCommand(newRoot(streams{out: os.Stdout, err: os.Stderr}).Commands) {
		require.True(t, slices.ContainsFunc(c.Flags, func(f cli.Flag) bool { return f.Names()[0] == "json" }), c.Name)
	}
}

// Help texts follow the same rules as messages.
func TestHelpIsWellSpoken(t *testing.T) {
	require.Empty(t, misspoken(strings.ReplaceAll(reference(newRoot(streams{out: os.Stdout, err: os.Stderr})), `"1m0s"`, "")))
	for _, c := range everyCommand(newRoot(streams{}).Commands) {
		var out strings.Builder
		require.Zero(t, run(t.Context(), append(append([]string{"machinectl"}, strings.Fields(c.Name)...), "-help"), streams{out: &out, err: &out}))
		require.Contains(t, out.String(), c.Usage)
		require.Empty(t, misspoken(out.String()), out.String())
	}
}

// reference is the command line as Markdown.
func reference(root *cli.Command) string {
	var b strings.Builder
	b.WriteString("# The command line\n\n<!-- Made from the commands: go test ./cmd/machinectl -run TestDocs -update -->\n\n")
	before, codes, _ := strings.Cut(root.Description, "Exit codes:")
	fmt.Fprintf(&b, "%s\n\n%s\n\n", upper(root.Usage), flow(before))
	for _, c := range root.Commands {
		fmt.Fprintf(&b, "- [`%s`](#%s): %s\n", c.Name, c.Name, c.Usage)
	}
	fmt.Fprintf(&b, "- `completion <bash | zsh | fish | pwsh>`: print a completion script\n\n## Exit codes\n\n```text%s\n```\n", codes)
	b.WriteString("\nColours are used on a terminal only; NO_COLOR turns them off. Lines are broken and tables\n" +
		"cut to the terminal's width. Into a pipe or a file, lines are as long as they are; values in plans are\n" +
		"shortened to 100 characters, and whole with -json.\n\n" + jsonForms)
	for _, c := range everyCommand(root.Commands) {
		fmt.Fprintf(&b, "\n## %s\n\n%s.\n\n```text\nmachinectl %s [flags] %s\n```\n", c.Name, upper(c.Usage), c.Name, c.ArgsUsage)
		if c.Description != "" {
			fmt.Fprintf(&b, "\n%s\n", flow(c.Description))
		}
		if len(c.Flags) == 0 {
			continue
		}
		b.WriteString("\n| flag | |\n|---|---|\n")
		flags := slices.SortedFunc(slices.Values(c.Flags), func(x, y cli.Flag) int { return strings.Compare(x.Names()[0], y.Names()[0]) })
		for _, f := range flags {
			fmt.Fprintf(&b, "| %s |\n", flagRow(f))
		}
	}
	return b.String()
}

// everyCommand returns commands and those below them, with their whole names.
func everyCommand(commands []*cli.Command) (all []*cli.Command) {
	for _, c := range commands {
		all = append(all, c)
		for _, sub := range everyCommand(c.Commands) {
			sub.Name = c.Name + " " + sub.Name
			all = append(all, sub)
		}
	}
	return all
}

func flagRow(f cli.Flag) string {
	doc, ok := f.(cli.DocGenerationFlag)
	if !ok {
		return "`-" + f.Names()[0] + "` | "
	}
	name, usage := "-"+f.Names()[0], doc.GetUsage()
	if before, rest, found := strings.Cut(usage, "`"); found && doc.TakesValue() {
		placeholder, after, _ := strings.Cut(rest, "`")
		name, usage = name+" "+placeholder, before+placeholder+after
	} else if _, ok := f.(*cli.DurationFlag); ok {
		name += " DURATION"
	} else if doc.TakesValue() {
		name += " VALUE"
	}
	if v := doc.GetDefaultText(); v != "" && v != "false" && v != `""` && v != "0s" && v != "0" && doc.TakesValue() {
		usage += " (default " + strings.Trim(v, `"`) + ")"
	}
	return fmt.Sprintf("`%s` | %s", name, strings.ReplaceAll(usage, "|", "\\|"))
}

func upper(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

// flow is a description without the space around it.
func flow(text string) string { return strings.TrimSpace(text) }
