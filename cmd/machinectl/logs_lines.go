package main

import (
	"bytes"

	"github.com/emprops/machinectl/compiler/view"
)

// logLines writes each line of a log as a JSON object.
type logLines struct {
	std                   streams
	machine, task, stream string
	rest                  []byte // of a line that is not complete yet
}

// logLine is one of them.
type logLine struct {
	Machine string `json:"machine"`
	Task    string `json:"task"`
	Stream  string `json:"stream"` // stderr or stdout
	Line    string `json:"line"`
}

func (l *logLines) Write(p []byte) (int, error) {
	l.rest = append(l.rest, p...)
	for {
		line, rest, whole := bytes.Cut(l.rest, []byte("\n"))
		if !whole {
			return len(p), nil
		}
		if err := l.line(line); err != nil {
			return 0, err
		}
		l.rest = rest
	}
}

// end writes a last line without a line end.
func (l *logLines) end() error {
	if len(l.rest) == 0 {
		return nil
	}
	return l.line(l.rest)
}

func (l *logLines) line(text []byte) error {
	text = bytes.TrimSuffix(text, []byte("\r"))
	return view.JSONLine(l.std.out, logLine{l.machine, l.task, l.stream, string(text)})
}
