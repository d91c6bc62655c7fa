package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
	"unicode/utf8"
)

// report holds all results. -out writes its JSON form.
type report struct {
	About about    `json:"about"`
	Rows  []result `json:"rows"`
}

// about describes the machine and the versions that were measured.
type about struct {
	At      time.Time `json:"at"`
	Quick   bool      `json:"quick"` // a smoke test, without verdicts
	Runs    int       `json:"runs"`
	Seconds float64   `json:"seconds"`
	CPU     string    `json:"cpu"`
	Cores   int       `json:"cores"`
	Go      string    `json:"go"`
	Redis   string    `json:"redis"`
	Asynq   string    `json:"asynq"`
	BullMQ  string    `json:"bullmq"` // the version that bullmq/package.json pins
	Node    string    `json:"node,omitempty"`
}

func describe(ctx context.Context, e *env) about {
	a := about{At: time.Now().UTC(), Quick: e.Quick, Runs: e.Runs, CPU: cpuModel(), Cores: runtime.NumCPU(), Go: runtime.Version()}
	if info, err := e.redis.info(ctx, "server"); err == nil {
		a.Redis = info["redis_version"]
	}
	if build, ok := debug.ReadBuildInfo(); ok {
		for _, dep := range build.Deps {
			if dep.Path == "github.com/hibiken/asynq" {
				a.Asynq = dep.Version
			}
		}
	}
	var pinned struct {
		Dependencies map[string]string `json:"dependencies"`
	}
	if text, err := os.ReadFile(filepath.Join(e.BullMQ, "package.json")); err == nil && json.Unmarshal(text, &pinned) == nil {
		a.BullMQ = pinned.Dependencies["bullmq"]
	}
	if out, err := exec.CommandContext(ctx, "node", "--version").Output(); err == nil {
		a.Node = strings.TrimSpace(string(out))
	}
	return a
}

func cpuModel() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

// result is a row with its outcome. Verdict is "met", "not met", "smoke test", "not measured" or "failed".
type result struct {
	row
	outcome
	Median  float64 `json:"median"`
	Low     float64 `json:"low"`
	High    float64 `json:"high"`
	Verdict string  `json:"verdict"`
}

func newResult(r row, o outcome, opts options) result {
	out := result{row: r, outcome: o}
	switch {
	case o.Failed != "":
		out.Verdict = "failed"
		return out
	case o.Missing != "":
		out.Verdict = "not measured"
		return out
	case len(o.Samples) < opts.Runs:
		out.Verdict, out.Failed, out.Samples = "failed", fmt.Sprintf("only %d of %d runs ended", len(o.Samples), opts.Runs), nil
		return out
	}
	out.Median, out.Low, out.High = o.Samples.median(), o.Samples.quantile(0), o.Samples.quantile(1)
	switch {
	case math.IsNaN(out.Median) || math.IsInf(out.Median, 0):
		out.Verdict, out.Failed = "failed", "the figure is not a number"
		out.Median, out.Low, out.High, out.Samples = 0, 0, 0, nil
	case opts.Quick:
		out.Verdict = "smoke test"
	case r.Goal.met(out.Median):
		out.Verdict = "met"
	default:
		out.Verdict = "not met"
	}
	return out
}

// print writes the table, one line per row.
func (r *report) print(w io.Writer) {
	a := r.About
	fmt.Fprintf(w, "\n%s, %d cores; Redis %s, %s, asynq %s, BullMQ %s; medians of %d runs; %.0f s\n\n", a.CPU, a.Cores, a.Redis, a.Go, a.Asynq, a.BullMQ, a.Runs, a.Seconds)
	lines := [][]string{{"", "goal", "measured", "lowest … highest", "", "figures"}}
	for _, row := range r.Rows {
		lines = append(lines, row.cells())
	}
	widths := make([]int, 6)
	for _, line := range lines {
		for i, cell := range line {
			if i < 5 {
				widths[i] = max(widths[i], utf8.RuneCountInString(cell))
			}
		}
	}
	for _, line := range lines {
		var b strings.Builder
		for i, cell := range line {
			b.WriteString(cell + strings.Repeat(" ", max(0, widths[i]-utf8.RuneCountInString(cell))+2))
		}
		fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
	}
	met, judged := 0, 0
	for _, row := range r.Rows {
		switch row.Verdict {
		case "met":
			met++
			judged++
		case "not met":
			judged++
		}
	}
	if a.Quick {
		fmt.Fprintln(w, "\nSmoke test: small and short. The figures say nothing about the goals.")
		return
	}
	fmt.Fprintf(w, "\n%d of %d goals met\n", met, len(r.Rows))
	if judged < len(r.Rows) {
		fmt.Fprintf(w, "%d not measured\n", len(r.Rows)-judged)
	}
}

func (r *result) cells() []string {
	switch r.Verdict {
	case "failed":
		return []string{r.Title, r.Goal.String(), "", "", r.Verdict, firstLine(r.Failed)}
	case "not measured":
		return []string{r.Title, r.Goal.String(), "", "", r.Verdict, r.Missing}
	}
	return []string{
		r.Title, r.Goal.String(), r.Goal.format(r.Median),
		r.Goal.format(r.Low) + " … " + r.Goal.format(r.High), r.Verdict, r.Note,
	}
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

func (r *report) write(path string) error {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o644)
}
