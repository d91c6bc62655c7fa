// Package wiretime is a duration as it travels: in the documents within a Nomad job, in Redis and over HTTP. For durations
// that people read, see package timetext.
//
// It is a leaf that every other package may import.
package wiretime

import (
	"fmt"
	"time"
)

// Duration is a [time.Duration] that is written as text ("30s") in JSON.
type Duration time.Duration

// D returns it as a [time.Duration].
func (d Duration) D() time.Duration { return time.Duration(d) }

// String formats it like time.Duration.
func (d Duration) String() string { return time.Duration(d).String() }

// MarshalText implements encoding.TextMarshaler.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err != nil {
		return fmt.Errorf("%.40q is not a duration", b)
	}
	*d = Duration(v)
	return nil
}
