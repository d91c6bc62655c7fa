// Package diag makes and prints diagnostics: what is wrong in a profile, where, and what to write instead.
//
// It is built on [hcl.Diagnostics]: the parser's own diagnostics and ours are one list, ordered by file and position and
// shown by one printer. A diagnostic has a summary (the headline, no full stop), a detail (sentences), and an [Advice]
// (what to write instead). The package knows nothing of the language it is used for.
//
// Two forms are printed: [Printer.Text] for people, with the source line and a caret, and [JSON] for programs.
package diag
