package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/emprops/machinectl/hcl/timetext"
)

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func counted(errs, warnings int) string {
	text := plural(errs, "error")
	if warnings > 0 {
		text += ", " + plural(warnings, "warning")
	}
	return text + "."
}

// hint returns the end of a message about an unknown name: the name that may be meant, if there is one.
func hint(near string) string {
	if near == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %q?)", near)
}

// ofProject formats the project's name, or returns "" if there is none.
func ofProject(format, name string) string {
	if name == "" {
		return ""
	}
	return fmt.Sprintf(format, name)
}

func quotedList(words []string) string {
	var list []string
	for _, w := range words {
		list = append(list, fmt.Sprintf("%q", w))
	}
	return strings.Join(list, ", ")
}

// shortened lists machines by the first characters of their ids, as tables do.
func shortened(ids []string) string {
	short := make([]string, len(ids))
	for i, id := range ids {
		short[i] = id[:min(8, len(id))]
	}
	return strings.Join(short, ", ")
}

// clock formats the end of a drain.
func clock(t *time.Time) string {
	if t == nil {
		return "its end"
	}
	return timetext.Moment(*t)
}
