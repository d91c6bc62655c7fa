package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

// printer writes the demo's story: numbered steps with the time since the start, indented notes under them, and on a
// terminal one line that is rewritten in place.
type printer struct {
	w     io.Writer
	start time.Time
	step  int
	tty   bool
	live  bool // a live line is on the screen
}

func newPrinter(f *os.File) *printer {
	tty := term.IsTerminal(int(f.Fd())) && os.Getenv("NO_COLOR") == ""
	return &printer{w: f, start: time.Now(), tty: tty}
}

func (p *printer) Stepf(format string, args ...any) {
	p.clear()
	p.step++
	text := fmt.Sprintf(format, args...)
	if p.tty {
		text = "\033[1m" + text + "\033[0m"
	}
	fmt.Fprintf(p.w, "\n%4.0fs  %d. %s\n", time.Since(p.start).Seconds(), p.step, text)
}

func (p *printer) Notef(format string, args ...any) {
	p.clear()
	for line := range strings.Lines(fmt.Sprintf(format, args...)) {
		fmt.Fprintf(p.w, "       %s\n", strings.TrimRight(line, "\n"))
	}
}

// Livef shows text that the next call replaces. Not on a terminal it prints nothing: logs get the notes only.
func (p *printer) Livef(format string, args ...any) {
	if !p.tty {
		return
	}
	fmt.Fprintf(p.w, "\r\033[K       \033[2m%s\033[0m", fmt.Sprintf(format, args...))
	p.live = true
}

func (p *printer) clear() {
	if p.live {
		fmt.Fprint(p.w, "\r\033[K")
		p.live = false
	}
}
