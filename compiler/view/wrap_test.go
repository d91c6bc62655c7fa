package view

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// However a text is broken, no line is wider than the terminal, and nothing is lost but spaces.
func TestWrap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(` {0,6}([a-zé→…]{1,50}|\x1b\[3[1-3]m[a-z]{1,9}\x1b\[0m)`)
		text := strings.Join(rapid.SliceOfN(word, 0, 30).Draw(t, "words"), "")
		s := Screen{Width: rapid.IntRange(10, 90).Draw(t, "width")}
		out := s.wrap(text)
		for line := range strings.Lines(out) {
			require.LessOrEqual(t, seen(strings.TrimSuffix(line, "\n")), s.Width)
		}
		require.Equal(t, dense(text), dense(out))
	})
}

func dense(text string) string { return strings.Join(strings.Fields(text), "") }

// A table fits where its columns can give way; what is left out last is what matters most.
func TestRows(t *testing.T) {
	rows := func() [][]string {
		return [][]string{
			{"POOL", "MACHINE", "READY", ""},
			{"a-pool-of-some-length", "\x1b[1mcomfyui\x1b[0m", "3", "waits for something that does not come"},
		}
	}
	for width, want := range map[int]string{
		0:  "POOL                   MACHINE  READY\na-pool-of-some-length  \x1b[1mcomfyui\x1b[0m  3      waits for something that does not come\n",
		70: "POOL                   MACHINE  READY\na-pool-of-some-length  \x1b[1mcomfyui\x1b[0m  3      waits for something that does …\n",
		50: "POOL                   READY\na-pool-of-some-length  3      waits for something…\n",
		30: "POOL         READY\na-pool-of-…  3      waits for…\n",
	} {
		var out bytes.Buffer
		Screen{W: &out, Width: width}.Rows("", rows(), 1)
		require.Equal(t, want, out.String(), width)
	}
}
