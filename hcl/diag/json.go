package diag

import (
	"encoding/json"
	"io"

	"github.com/hashicorp/hcl/v2"
)

// Document is the JSON form of a list of diagnostics.
type Document struct {
	Errors      int          `json:"errors"`
	Warnings    int          `json:"warnings"`
	Diagnostics []Diagnostic `json:"diagnostics"` // in order; never null
}

// Diagnostic is the JSON form of one diagnostic.
type Diagnostic struct {
	Severity string `json:"severity"` // "error" or "warning"
	Summary  string `json:"summary"`
	Detail   string `json:"detail,omitempty"`
	Advice   string `json:"advice,omitempty"` // what to write instead
	Range    *Range `json:"range,omitempty"`  // absent if the diagnostic isn't about a place in a file
	Snippet  string `json:"snippet,omitempty"`
}

// Range is a piece of a file.
type Range struct {
	File  string   `json:"file"`
	Start Position `json:"start"`
	End   Position `json:"end"` // just after the last character
}

// Position is a place in a file. Line and column count from 1, the byte offset from 0.
type Position struct {
	Line   int `json:"line"`
	Column int `json:"column"` // in characters
	Byte   int `json:"byte"`
}

// JSON writes the diagnostics as one [Document]. sources are for the snippets, each the line where the range starts.
func JSON(w io.Writer, diags hcl.Diagnostics, sources map[string][]byte) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(NewDocument(diags, sources))
}

// NewDocument returns the value that [JSON] writes, to embed it in a larger document.
func NewDocument(diags hcl.Diagnostics, sources map[string][]byte) Document {
	errs, warnings := Split(diags)
	doc := Document{Errors: len(errs), Warnings: len(warnings), Diagnostics: []Diagnostic{}}
	for _, d := range diags {
		one := Diagnostic{Severity: "error", Summary: d.Summary, Detail: d.Detail, Advice: AdviceOf(d)}
		if d.Severity == hcl.DiagWarning {
			one.Severity = "warning"
		}
		if s := d.Subject; s != nil {
			one.Range = &Range{File: s.Filename, Start: position(s.Start), End: position(s.End)}
			one.Snippet, _ = sourceLine(sources[s.Filename], s.Start.Line)
		}
		doc.Diagnostics = append(doc.Diagnostics, one)
	}
	return doc
}

func position(p hcl.Pos) Position {
	return Position{Line: p.Line, Column: p.Column, Byte: p.Byte}
}
