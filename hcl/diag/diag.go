package diag

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// Advice is what to write instead. It is kept in the Extra field of an [hcl.Diagnostic].
type Advice string

// Error makes an error about a piece of source. detail and advice may be empty.
func Error(at hcl.Range, summary, detail, advice string) *hcl.Diagnostic {
	return diagnostic(hcl.DiagError, at, summary, detail, advice)
}

// Warning makes a warning about something that is allowed but probably not meant. It is otherwise like [Error].
func Warning(at hcl.Range, summary, detail, advice string) *hcl.Diagnostic {
	return diagnostic(hcl.DiagWarning, at, summary, detail, advice)
}

func diagnostic(severity hcl.DiagnosticSeverity, at hcl.Range, summary, detail, advice string) *hcl.Diagnostic {
	d := &hcl.Diagnostic{Severity: severity, Summary: summary, Detail: detail}
	if at.Filename != "" {
		d.Subject = &at
	}
	if advice != "" {
		d.Extra = Advice(advice)
	}
	return d
}

// AdviceOf returns a diagnostic's advice, or "".
func AdviceOf(d *hcl.Diagnostic) string {
	advice, _ := d.Extra.(Advice)
	return string(advice)
}

// Split separates errors from warnings and keeps the order of each.
func Split(diags hcl.Diagnostics) (errs, warnings hcl.Diagnostics) {
	for _, d := range diags {
		if d.Severity == hcl.DiagError {
			errs = append(errs, d)
		} else {
			warnings = append(warnings, d)
		}
	}
	return errs, warnings
}

// Sort orders diagnostics by file, in the order in which files lists the names (unlisted ones after them, by name),
// then by position. Those without a place come first. Of several with the same summary at the same place, Sort keeps the first:
// they are one mistake, found once for each thing that is made from it.
func Sort(diags hcl.Diagnostics, files []string) hcl.Diagnostics {
	rank := make(map[string]int, len(files))
	for i, name := range files {
		rank[name] = i - len(files)
	}
	sorted := slices.Clone(diags)
	slices.SortStableFunc(sorted, func(a, b *hcl.Diagnostic) int {
		switch {
		case a.Subject == nil && b.Subject == nil:
			return 0
		case a.Subject == nil:
			return -1
		case b.Subject == nil:
			return 1
		case rank[a.Subject.Filename] != rank[b.Subject.Filename]:
			return rank[a.Subject.Filename] - rank[b.Subject.Filename]
		case a.Subject.Filename != b.Subject.Filename:
			return strings.Compare(a.Subject.Filename, b.Subject.Filename)
		default:
			return a.Subject.Start.Byte - b.Subject.Start.Byte
		}
	})
	type key struct {
		severity        hcl.DiagnosticSeverity
		at              hcl.Range
		summary, detail string // the detail only without a place
	}
	seen := make(map[key]bool, len(sorted))
	return slices.DeleteFunc(sorted, func(d *hcl.Diagnostic) bool {
		k := key{severity: d.Severity, summary: d.Summary}
		if d.Subject != nil {
			k.at = *d.Subject
		} else {
			k.detail = d.Detail
		}
		repeated := seen[k]
		seen[k] = true
		return repeated
	})
}
