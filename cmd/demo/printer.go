package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

const (
	margin = "       "
	// liveEvery is how often a live line is printed where it can't be rewritten in place.
	liveEvery = 5 * time.Second
)

// printer writes the demo's story: numbered steps with the time since the start, indented notes under them, and on a
// terminal one line that is rewritten in place.
type printer struct {
	w      io.Writer
	start  time.Time
	step   int
	tty    bool
	colour bool
	width  int       // of the terminal, in columns
	live   bool      // a live line is on the screen
	said   time.Time // when something was last written
}

func newPrinter(f *os.File) *printer {
	p := &printer{w: f, start: time.Now(), said: time.Now(), tty: term.IsTerminal(int(f.Fd()))}
	p.colour = p.tty && os.Getenv("NO_COLOR") == ""
	if w, _, err := term.GetSize(int(f.Fd())); err == nil {
		p.width = w
	}
	return p
}

// Stepf begins a step.
func (p *printer) Stepf(format string, args ...any) {
	p.step++
	p.printf("\n%3.0fs %2d. %s\n", time.Since(p.start).Seconds(), p.step, p.style("1", fmt.Sprintf(format, args...)))
}

// Notef writes indented lines under the step.
func (p *printer) Notef(format string, args ...any) {
	for line := range strings.Lines(fmt.Sprintf(format, args...)) {
		p.printf("%s", strings.TrimRight(margin+strings.TrimRight(line, "\n"), " ")+"\n")
	}
}

// Commandf shows a command as one would type it.
func (p *printer) Commandf(format string, args ...any) {
	p.Notef("%s", p.style("2", "$ "+fmt.Sprintf(format, args...)))
}

// Livef shows how something stands, on a line that the next call replaces. Where there is no terminal it becomes a note
// now and then.
func (p *printer) Livef(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if !p.tty {
		if time.Since(p.said) >= liveEvery {
			p.Notef("%s", text)
		}
		return
	}
	if r := []rune(text); p.width > len(margin) && len(r) >= p.width-len(margin) {
		text = string(r[:p.width-len(margin)-1])
	}
	p.printf("%s%s", margin, p.style("2", text))
	p.live = true
}

func (p *printer) printf(format string, args ...any) {
	if p.live {
		fmt.Fprint(p.w, "\r\033[K")
		p.live = false
	}
	fmt.Fprintf(p.w, format, args...)
	p.said = time.Now()
}

func (p *printer) style(code, text string) string {
	if !p.colour {
		return text
	}
	return "\033[" + code + "m" + text + "\033[0m"
}
