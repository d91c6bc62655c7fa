package main

import (
	"io"
	"os"

	"github.com/mattn/go-isatty"
	"golang.org/x/term"

	"github.com/emprops/machinectl/compiler/view"
)

// streams are the standard streams of the process.
type streams struct {
	in       io.Reader
	out, err io.Writer
	// asJSON makes errors JSON documents too.
	asJSON bool
}

// screen writes results for people to read; errors writes failures and warnings.
func (s streams) screen() view.Screen { return screen(s.out) }

func (s streams) errors() view.Screen { return screen(s.err) }

// json writes a result for programs to read.
func (s streams) json(doc any) error { return view.JSON(s.out, doc) }

// screen returns a view on w, with the colors and width of the terminal if w is one.
func screen(w io.Writer) view.Screen {
	s := view.Screen{W: w}
	f, ok := w.(*os.File)
	if !ok || !isatty.IsTerminal(f.Fd()) {
		return s
	}
	// https://no-color.org: present and not empty.
	s.Color = os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	if width, _, err := term.GetSize(int(f.Fd())); err == nil {
		s.Width = width
	}
	return s
}
