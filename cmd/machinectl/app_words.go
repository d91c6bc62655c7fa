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

// hint ends a message about an unknown name with the one that may be meant, if there is one.
func hint(near string) string {
	if near == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %q?)", near)
}

// ofProject is a format with the project's name, or nothing where there is none.
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

// shortened are the beginnings of machines' ids.
func shortened(ids []string) string {
	short := make([]string, len(ids))
	for i, id := range ids {
		short[i] = id[:min(8, len(id))]
	}
	return strings.Join(short, ", ")
}

// clock is a time for whoever looks on.
func clock(t *time.Time) string {
	if t == nil {
		return "its end"
	}
	return timetext.Moment(*t)
}
