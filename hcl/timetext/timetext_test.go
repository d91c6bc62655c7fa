package timetext_test

import (
	"log/slog"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/emprops/machinectl/hcl/timetext"
)

func TestDuration(t *testing.T) {
	for want, d := range map[string]time.Duration{
		"0s": 0, "1ns": 1, "999ns": 999, "1.23µs": 1234, "350ms": 350 * time.Millisecond, "1.24ms": 1239900, "1s": 999_999_999,
		"1.235s": 1_234_567_891, "1.5s": 1500 * time.Millisecond, "30s": 30 * time.Second, "1m": time.Minute, "1m30s": 90 * time.Second,
		"2m": 119_999_900_000, "1h": time.Hour, "1h5s": time.Hour + 5*time.Second, "1h30m": 90 * time.Minute, "168h": 7 * 24 * time.Hour,
		"1h1m500ms": time.Hour + time.Minute + 500*time.Millisecond, "-2m": -2 * time.Minute,
	} {
		require.Equal(t, want, timetext.Duration(d), d.String())
	}
}

// TestDurationIsRead: what is written is read again, names no unit of which there is none, and is off by half of its last
// digit at most.
func TestDurationIsRead(t *testing.T) {
	empty := regexp.MustCompile(`(^|[a-z])0[hms]`)
	rapid.Check(t, func(t *rapid.T) {
		d := time.Duration(rapid.Int64Range(math.MinInt64, math.MaxInt64).Draw(t, "d") >> rapid.IntRange(0, 62).Draw(t, "shift"))
		text := timetext.Duration(d)
		got, err := time.ParseDuration(text)
		require.NoError(t, err, text)
		require.LessOrEqual(t, (got - d).Abs(), min(time.Millisecond/2, d.Abs()/100), text)
		exact, err := time.ParseDuration(timetext.Exact(d))
		require.NoError(t, err, timetext.Exact(d))
		require.Equal(t, d, exact)
		if got != 0 {
			require.False(t, empty.MatchString(text), text)
		}
	})
}

func TestAge(t *testing.T) {
	for want, d := range map[string]time.Duration{
		"0s": 999 * time.Millisecond, "59s": 59 * time.Second, "1m": 119 * time.Second, "47h": 47 * time.Hour, "2d": 50 * time.Hour,
	} {
		require.Equal(t, want, timetext.Age(d))
	}
}

// TestMomentHasAZone: in whatever zone the clock is, the text says which moment it was.
func TestMomentHasAZone(t *testing.T) {
	local := time.Local                      //nolint:gosmopolitan // it is what is tested
	t.Cleanup(func() { time.Local = local }) //nolint:gosmopolitan // as above
	at := time.Date(2026, 3, 1, 13, 5, 9, 999, time.UTC)
	for zone, want := range map[*time.Location]string{
		time.UTC:                          "2026-03-01 13:05:09Z",
		time.FixedZone("east", 3600):      "2026-03-01 14:05:09+01:00",
		time.FixedZone("west", -12600):    "2026-03-01 09:35:09-03:30",
		time.FixedZone("far", 14*60*60):   "2026-03-02 03:05:09+14:00",
		time.FixedZone("nowhere", 0):      "2026-03-01 13:05:09Z",
		time.FixedZone("nameless", 20700): "2026-03-01 18:50:09+05:45",
	} {
		time.Local = zone //nolint:gosmopolitan // as above
		require.Equal(t, want, timetext.Moment(at))
		_, clock, _ := strings.Cut(want, " ")
		require.Equal(t, clock, timetext.Clock(at))
		read, err := time.Parse(time.RFC3339, strings.Replace(timetext.Moment(at), " ", "T", 1))
		require.NoError(t, err)
		require.True(t, read.Equal(at.Truncate(time.Second)))
	}
}

type minutes int

func (m minutes) D() time.Duration { return time.Duration(m) * time.Minute }

func TestAttr(t *testing.T) {
	var out strings.Builder
	log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: timetext.Attr}))
	log.Info("x", "took", 1_234_567_891*time.Nanosecond, "limit", minutes(2), "at", time.Unix(0, 0), "n", 3)
	require.Contains(t, out.String(), "took=1.235s limit=2m at=")
	require.Contains(t, out.String(), timetext.Moment(time.Unix(0, 0)))
	require.Contains(t, out.String(), "n=3")
	require.Regexp(t, `^time=\d{4}-\d\d-\d\dT`, out.String())
}

func TestRewrite(t *testing.T) {
	for text, want := range map[string]string{
		"Task restarting in 513.69202ms": "Task restarting in 514ms", "restarts in 15.123456789s": "restarts in 15.123s", "after 2m0s": "after 2m", "1h0m0s, then 30s": "1h, then 30s",
		"Exit Code: 1": "Exit Code: 1", "m-7e3b3d8d": "m-7e3b3d8d", "node5s": "node5s", "task-10s0": "task-10s0", "99999999999999999999s": "99999999999999999999s", "": "",
	} {
		require.Equal(t, want, timetext.Rewrite(text), text)
	}
}
