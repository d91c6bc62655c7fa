package plan

import (
	"context"
	"regexp"
	"strings"
	"time"
	"unicode"

	nomad "github.com/hashicorp/nomad/api"
)

const (
	tailLines = 12
	tailBytes = 8 << 10
	// tailTimeout limits the time to read one log. A failure is reported without its log, too.
	tailTimeout = 5 * time.Second
)

// tail adds the end of the failing task's standard error or, if that is empty, of its standard output. It leaves out a log
// that can't be read.
func (c *Cluster) tail(ctx context.Context, f *Failure, at Place) {
	task := f.Machine.Failing.Task
	if task == "" || !f.Machine.Failing.started {
		return
	}
	for _, stream := range []string{"stderr", "stdout"} {
		if f.Log = c.lastLines(ctx, f.Machine, task, stream, at); len(f.Log) > 0 {
			f.Stream = stream
			return
		}
	}
}

func (c *Cluster) lastLines(ctx context.Context, m Machine, task, stream string, at Place) []string {
	ctx, cancel := context.WithTimeout(ctx, tailTimeout)
	defer cancel()
	alloc := &nomad.Allocation{ID: m.ID, NodeID: m.node, Namespace: at.Namespace}
	frames, errs := c.logs.Logs(alloc, false, task, stream, nomad.OriginEnd, tailBytes, ctx.Done(), at.query(ctx))
	if frames == nil {
		return nil
	}
	var text strings.Builder
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-errs: // the log has ended, or can't be read further
			if err != nil && text.Len() == 0 {
				return nil
			}
			return c.foreign.texts(ends(text.String()))
		case frame, more := <-frames:
			if !more {
				return c.foreign.texts(ends(text.String()))
			}
			text.Write(frame.Data)
		}
	}
}

// ends returns a text's last lines. If the text was cut, it leaves out the first line, which is incomplete.
func ends(text string) []string {
	lines := strings.Split(strings.TrimRight(text, "\r\n"), "\n")
	if len(text) >= tailBytes && len(lines) > 1 {
		lines = lines[1:]
	}
	lines = lines[max(0, len(lines)-tailLines):]
	for i, line := range lines {
		lines[i] = plain(line)
	}
	if len(lines) == 1 && lines[0] == "" {
		return nil
	}
	return lines
}

// sequence matches the escape sequences with which programs control a terminal.
var sequence = regexp.MustCompile(`\x1b\[[0-9;?]*[ -/]*[@-~]`)

// plain returns a line as it would look on a terminal in the end: without control characters, and with the last state of a
// progress bar.
func plain(line string) string {
	line = strings.TrimRight(sequence.ReplaceAllString(line, ""), "\r")
	line = line[strings.LastIndexByte(line, '\r')+1:]
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\t' {
			return -1
		}
		return r
	}, strings.ToValidUTF8(line, "\uFFFD"))
}
