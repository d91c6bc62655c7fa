package script_test

import (
	"slices"
	"testing"
	"testing/fstest"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/queue/internal/script"
	"github.com/emprops/machinectl/queue/queuetest"
)

var fields = []script.Field{
	{Name: "STATE", Kind: script.Letter},
	{Name: "REV", Kind: script.Number},
	{Name: "OWNER", Kind: script.Text},
	{Name: "COUNT", Kind: script.Number},
	{Name: "NOTE", Kind: script.Text},
}

func load(t *testing.T, body string, fields []script.Field) (*script.Script, error) {
	t.Helper()
	loaded, err := script.Load(fstest.MapFS{
		"a.lua":         {Data: []byte(body)},
		"lib_split.lua": {Data: []byte("local function split(s) return { string.match(s, PATTERN(\"*\")) } end\n")},
	}, fields)
	return loaded["a"], err
}

// TestScripts runs scripts in a real Redis, on the list of fields above and on one with a row more: a new field at the end
// changes no script.
func TestScripts(t *testing.T) {
	server := queuetest.StartRedis(t, "--appendonly", "no")
	rdb := redis.NewClient(&redis.Options{Addr: server.Addr})
	t.Cleanup(func() { require.NoError(t, rdb.Close()) })
	longer := slices.Concat(fields, []script.Field{{Name: "EXTRA", Kind: script.Number}})
	for name, c := range map[string]struct {
		body   string
		args   []any
		want   any
		longer any // where it differs
	}{
		"a new record":          {`return RECORD{ STATE = "w", OWNER = ARGV[1] }`, []any{"me"}, "w\t0\tme\t0\t", "w\t0\tme\t0\t\t0"},
		"of many lines":         {"local n, s = ARGV[1], \"d\"\nreturn RECORD{\n  STATE = s, REV = n,\n  NOTE = \"of 2\",\n}", []any{7}, "d\t7\t\t0\tof 2", "d\t7\t\t0\tof 2\t0"},
		"the rest of an old":    {`return RECORD{ STATE = "r", FROM_COUNT = ARGV[1] }`, []any{"1\tx"}, "r\t0\t\t1\tx", nil},
		"the rest from a start": {`return RECORD{ FROM_STATE = ARGV[1] }`, []any{"all"}, "all", nil},
		"captures":              {`return { string.match(ARGV[1], PATTERN("STATE COUNT")) }`, []any{"r\t1\tx y\t22\tz\t"}, []any{"r", "22"}, nil},
		"captures and a place":  {`return { string.match(ARGV[1], PATTERN("REV ()COUNT NOTE")) }`, []any{"r\t1\tx\t22\tz"}, []any{"1", int64(7), "22", "z"}, nil},
		"what isn't a record":   {`return { string.match(ARGV[1], PATTERN("STATE REV")) }`, []any{"r\tone\tx\t22\tz"}, []any{}, nil},
		"members, a library":    {"-- LIBS: split\nlocal r = split(ARGV[1])\nr[NOTE] = r[OWNER]\nreturn r", []any{"r\t1\tx\t22\tz"}, []any{"r", "1", "x", "22", "x"}, []any{}},
		"keys":                  {"-- KEYS: one two\nredis.call(\"SET\", two, \"2\")\nreturn { one, KEYS[more + 1], redis.call(\"GET\", \"{k}b\") }", nil, []any{"{k}a", "{k}c", "2"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			for i, list := range [][]script.Field{fields, longer} {
				s, err := load(t, c.body, list)
				require.NoError(t, err)
				for range 2 { // the second time the server knows it
					got, err := s.Run(t.Context(), rdb, []string{"{k}a", "{k}b", "{k}c"}, c.args...)
					require.NoError(t, err)
					if i == 1 && c.longer != nil {
						require.Equal(t, c.longer, got)
					} else {
						require.Equal(t, c.want, got)
					}
				}
			}
		})
	}
}

func TestScriptsWithMistakes(t *testing.T) {
	for body, want := range map[string]string{
		`return RECORD{ STAET = "w" }`:       `script a: RECORD{ STAET = "w" }: "STAET = \"w\"" is not a field with its value`,
		`return RECORD{ STATE }`:             `script a: RECORD{ STATE }: "STATE" is not a field with its value`,
		`return PATTERN("OWNER REV")`:        `script a: PATTERN("OWNER REV"): "REV" is not a field, or not in the record's order`,
		`return PATTERN("STATE NOTE NOTES")`: `script a: PATTERN("STATE NOTE NOTES"): "NOTES" is not a field, or not in the record's order`,
		"-- LIBS: nothing\n":                 "script a: open lib_nothing.lua: file does not exist",
	} {
		_, err := load(t, body, fields)
		require.EqualError(t, err, want)
	}
}
