package main

import (
	"fmt"
	"strings"

	"github.com/emprops/machinectl/client"
	"github.com/emprops/machinectl/compiler/view"
	"github.com/emprops/machinectl/hcl/timetext"
)

// showSubmitted writes the answer to a submission.
func showSubmitted(s view.Screen, a *client.Submitted) {
	s.Printf("%s  %s", s.Bold(a.ID), a.State)
	if a.Reason != "" {
		s.Printf("  %s %s", s.Warn("!"), a.Reason)
	}
}

// showEvent writes an event of a job.
func showEvent(s view.Screen, e client.Event) {
	text := e.Kind
	switch {
	case e.Progress != nil && e.Progress.Max > 0:
		done := min(max(e.Progress.Value/e.Progress.Max, 0), 1)
		const width = 20
		bar := strings.Repeat("█", int(done*width))
		text = fmt.Sprintf("%s%s %3.0f %%  %s", bar, s.Faint(strings.Repeat("░", width-int(done*width))), done*100, e.Progress.Message)
	case e.Error != nil:
		text += ": " + e.Error.Message
	case e.Machine != "":
		text += " by " + e.Machine[:min(8, len(e.Machine))]
	}
	s.Printf("  %s  %s", s.Faint(timetext.Clock(e.At)), strings.TrimSpace(text))
}
