// Package timetext writes durations and times for people: in what commands print, in diagnostics, in reasons and in logs on
// a terminal. Programs get RFC 3339 and Go's form of a duration ("1h30m0s").
//
// It is a leaf that every other package may import. It reads no clock: callers pass the current time.
package timetext

import (
	"log/slog"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const (
	// momentLayout is RFC 3339's form with a space, which it allows (section 5.6).
	momentLayout = "2006-01-02 15:04:05Z07:00"
	// ClockLayout is the layout of [Clock], for loggers that want one.
	ClockLayout = "15:04:05Z07:00"
)

// Duration formats a duration for people: "2m", "1h30m", "350ms", "1.235s". From a second on it is rounded to milliseconds,
// below to three digits.
func Duration(d time.Duration) string { return Exact(rounded(d)) }

// Exact formats a duration as it is written in a profile: [time.Duration]'s form without the units that are 0.
// [time.ParseDuration] reads it back exactly.
func Exact(d time.Duration) string {
	hours, minutes, rest := d/time.Hour, d%time.Hour/time.Minute, d%time.Minute
	if hours == 0 && minutes == 0 {
		return d.String()
	}
	var b strings.Builder
	if d < 0 {
		b.WriteByte('-')
	}
	for _, part := range []struct {
		n    time.Duration
		unit string
	}{{hours, "h"}, {minutes, "m"}} {
		if part.n != 0 {
			b.WriteString(strconv.FormatInt(int64(part.n.Abs()), 10) + part.unit)
		}
	}
	if rest != 0 {
		b.WriteString(rest.Abs().String()) // less than a minute has one unit
	}
	return b.String()
}

func rounded(d time.Duration) time.Duration {
	if d.Abs() >= time.Second {
		return d.Round(time.Millisecond)
	}
	digit := time.Duration(1)
	for d.Abs()/digit >= 1000 {
		digit *= 10
	}
	return d.Round(digit)
}

// Age formats a duration in its largest unit, for tables: "7s", "5m", "47h", "3d".
func Age(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < time.Minute:
		return strconv.Itoa(int(d.Seconds())) + "s"
	case d < time.Hour:
		return strconv.Itoa(int(d.Minutes())) + "m"
	case d < 2*day:
		return strconv.Itoa(int(d.Hours())) + "h"
	default:
		return strconv.Itoa(int(d/day)) + "d"
	}
}

// Moment formats a time in the local time zone, with the date and the offset from UTC: "2026-03-01 14:05:09+01:00", or
// with a Z where the clock is UTC's.
func Moment(t time.Time) string {
	return t.In(time.Local).Format(momentLayout) //nolint:gosmopolitan // local time is meant
}

// Clock formats a time like [Moment], without the date, for what happens now.
func Clock(t time.Time) string {
	return t.In(time.Local).Format(ClockLayout) //nolint:gosmopolitan // local time is meant
}

// Attr writes durations and times among a log record's attributes like [Duration] and [Moment]: a handler's ReplaceAttr. The
// record's own time is left to the handler.
func Attr(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey {
		return a
	}
	switch value := a.Value.Resolve().Any().(type) {
	case time.Duration:
		a.Value = slog.StringValue(Duration(value))
	case interface{ D() time.Duration }: // spec.Duration, which is written to programs in Go's form
		a.Value = slog.StringValue(Duration(value.D()))
	case time.Time:
		a.Value = slog.StringValue(Moment(value))
	}
	return a
}

// goDuration matches a duration that Go wrote, as a word of its own: in Nomad's events ("Task restarting in 513.69202ms").
var goDuration = regexp.MustCompile(`\b(?:\d+h)?(?:\d+m)?\d+(?:\.\d+)?(?:ns|µs|ms|s)\b`)

// Rewrite returns a foreign text with the durations that Go wrote in it as people write them.
func Rewrite(text string) string {
	return goDuration.ReplaceAllStringFunc(text, func(found string) string {
		d, err := time.ParseDuration(found)
		if err != nil { // more than a duration can hold
			return found
		}
		return Duration(d)
	})
}
