package main

import (
	"bytes"
	"io"
	"strings"

	"github.com/emprops/machinectl/compiler/view"
)

// logLines writes a log line by line, without sensitive values: as it is, or each line as a JSON object.
type logLines struct {
	std                   streams
	machine, task, stream string
	asJSON                bool
	mask                  func(line string, cut bool) string
	cut                   bool   // the next line may have begun earlier
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
		if err := l.line(line, "\n"); err != nil {
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
	return l.line(l.rest, "")
}

func (l *logLines) line(text []byte, end string) error {
	line := string(text)
	if l.asJSON {
		line = strings.TrimSuffix(line, "\r")
	}
	line = l.mask(line, l.cut)
	l.cut = false
	if l.asJSON {
		return view.JSONLine(l.std.out, logLine{l.machine, l.task, l.stream, line})
	}
	_, err := io.WriteString(l.std.out, line+end)
	return err
}
