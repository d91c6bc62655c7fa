package profile_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/emprops/machinectl/hcl/diag"
	"github.com/emprops/machinectl/hcl/profile"
)

// mistake is a way of making one mistake on a line of a valid profile.
type mistake struct {
	name string
	line *regexp.Regexp // which lines it can be made on
	make func(line string) string
	// data: it can be made in locals and variables too, where an argument is a value's own name.
	data bool
}

func replacing(pattern, by string) func(string) string {
	re := regexp.MustCompile(pattern)
	return func(line string) string {
		at := re.FindStringSubmatchIndex(line)
		return line[:at[0]] + string(re.ExpandString(nil, by, line, at)) + line[at[1]:]
	}
}

func on(name, line, by string) mistake {
	return mistake{name: name, line: regexp.MustCompile(line), make: replacing(line, by)}
}

func inData(m mistake) mistake {
	m.data = true
	return m
}

// mistakes are the table of ways to go wrong. The first group of each pattern's match is kept as $1.
func mistakes() []mistake {
	return []mistake{
		// Quotation marks
		inData(on("a closing quotation mark is missing", `^(\s*\w+\s*=\s*"[^"$]+)"$`, `$1`)),
		on("an opening quotation mark is missing", `^(\s*\w+\s*=\s*)"([a-z][a-z0-9]*)"$`, `$1$2"`),
		on("a closing quotation mark is missing in a list", `^(\s*\w+\s*=\s*\["[^",\]]+)",`, `$1,`),
		on("a closing quotation mark is missing in a name", `^(\w+ "[\w-]+)" \{$`, `$1 {`),
		inData(on("single quotation marks", `^(\s*\w+\s*=\s*)"([^"$']*)"$`, `$1'$2'`)),
		inData(on("typographic quotation marks", `^(\s*\w+\s*=\s*)"([^"$]*)"$`, `$1“$2”`)),
		inData(on("backticks", "^(\\s*\\w+\\s*=\\s*)\"([^\"$`]*)\"$", "$1`$2`")),
		// Brackets
		inData(on("a bracket is not closed", `^(\s*\w+\s*=\s*\[.*)\]$`, `$1`)),
		inData(on("a parenthesis is not closed", `^(\s*\w+\s*=\s*\w+\(.*)\)$`, `$1`)),
		inData(on("a bracket too many", `^(\s*\w+\s*=\s*\[.*\])$`, `$1]`)),
		on("a block's brace is missing", `^(\w+ "[\w-]+") \{$`, `$1`),
		on("an inner block's brace is missing", `^(\s+(?:resources|size|agent|ready|scale|placement|gpu)) \{$`, `$1`),
		on("a brace too many", `^(\s*)\}$`, "$1}}"),
		// Signs
		on("a colon", `^(\s+(?:kind|driver|memory|cpu|connector|per|redis|grace|min|max|path|interval|machine|port))\s*= ([^{(]*)$`, `$1: $2`),
		on("two equals signs", `^(\s+\w+\s*=)`, `$1=`),
		on("no equals sign", `^(\s+(?:min|max|cpu|cores|memory|kind|driver|connector|port|grace))\s*= ("?[\w.]+"?)$`, `$1 $2`),
		on("a comma", `^(\s+\w+\s*= "[^"]*")$`, `$1,`),
		on("a semicolon", `^(\s+\w+\s*= "[^"]*")$`, `$1;`),
		on("no value", `^(\s+\w+\s*=) "[^"]*"$`, `$1`),
		on("two values", `^(\s+\w+\s*= "[^"]*")$`, `$1 "x"`),
		on("a template without quotation marks", `^(\s+\w+\s*=) ((?:var|local)\.\w+)$`, `$1 $${$2}`),
		on("text without quotation marks", `^(\s+(?:redis|blobs|image|source)\s*=) "([^"$\[]+)"$`, `$1 $2`),
		// Names
		on("an argument misspelt", `^(\s+)memory(\s*=)`, `${1}memmory$2`),
		on("an argument misspelt by a letter", `^(\s+)connector(\s*=)`, `${1}conector$2`),
		on("an argument of another language", `^(\s+)command(\s*=)`, `${1}cmd$2`),
		on("an argument that there is nowhere", `^(\s+)(grace|start_time|target_wait|concurrency)(\s*=)`, `${1}qqqqq$3`),
		on("a block misspelt", `^(\s+)resources( \{)`, `${1}resorces$2`),
		on("a block of another language", `^(\s+)service( "[\w-]+" \{)`, `${1}task$2`),
		on("a top-level block misspelt", `^pool( "[\w-]+" \{)`, `pol$1`),
		on("an argument twice", `^(\s+(?:kind|driver|memory|connector|max)\s*=.*)$`, "$1\n$1"),
		// Values
		on("a number in quotation marks", `^(\s+(?:max|min|cpu|cores|count|concurrency)\s*=) (\d+)$`, `$1 "$2"`),
		on("a negative number", `^(\s+(?:max|cpu|cores|count|concurrency)\s*=) (\d+)$`, `$1 -$2`),
		on("a fraction", `^(\s+(?:max|cpu|cores|count|concurrency)\s*=) (\d+)$`, `$1 $2.5`),
		on("division by zero", `^(\s+(?:max|min|cpu|cores|count|concurrency)\s*=) (\d+)$`, `$1 $2 / 0`),
		on("a size without a unit", `^(\s+memory\s*=) "(\d+)GiB"$`, `$1 $2`),
		on("a size with a wrong unit", `^(\s+memory\s*=) "(\d+)[MG]iB"$`, `$1 "$2 Gigs"`),
		on("a size without quotation marks", `^(\s+memory\s*=) "(\d+[MG]iB)"$`, `$1 $2`),
		on("a tiny size", `^(\s+memory\s*=) "(\d+)[MG]iB"$`, `$1 "${2}B"`),
		on("a duration without a unit", `^(\s+(?:grace|interval|timeout|start_time|target_wait|up_cooldown|idle_after)\s*=) "(\d+)[smh]"$`, `$1 $2`),
		on("a duration in words", `^(\s+(?:grace|interval|timeout|start_time|target_wait|up_cooldown|idle_after)\s*=) "(\d+)[smh]"$`, `$1 "$2 seconds"`),
		on("a list for a text", `^(\s+(?:kind|driver|connector|port|redis|path)\s*=) ("[^"]*")$`, `$1 [$2]`),
		on("a text for a list", `^(\s+(?:args|datacenters|capabilities)\s*=) \[("[^",]*")\]$`, `$1 $2`),
		on("a map for a text", `^(\s+(?:kind|driver|connector|port|redis|path)\s*=) ("[^"]*")$`, `$1 { a = $2 }`),
		on("an unknown word", `^(\s+(?:kind|driver|connector|per)\s*=) "([a-z])[^"]*"$`, `$1 "${2}qqqq"`),
		on("a connector that no agent has", `^(\s+connector\s*=) "[^"]*"$`, `$1 "openai"`),
		on("a wrong URL", `^(\s+redis\s*=) "redis:/(/[^"]*)"$`, `$1 "redis:$2"`),
		on("an unknown store", `^(\s+blobs\s*=) "s3://([^"]*)"$`, `$1 "gs://$2"`),
		// References
		inData(on("an unknown variable", `\bvar\.(\w+)`, `var.qq$1`)),
		inData(on("an unknown local value", `\blocal\.(\w+)`, `local.qq$1`)),
		on("an unknown machine", `\bmachine\.([a-z]+)$`, `machine.qq$1`),
		on("a machine as a text", `^(\s+machine\s*=) machine\.([a-z]+)$`, `$1 "$2"`),
		on("a machine with an index", `^(\s+machine\s*= machine\.[a-z]+)$`, `$1["z"]`),
		on("Nomad's name of a port", `\bself\.port\b`, `NOMAD_PORT_http`),
		on("an attribute of the node", `\bnomad\.\w+`, `attr.cpu.arch`),
		on("a function misspelt", `\b(upper|join|concat|max|min|format|secret)\(`, `${1}x(`),
	}
}

// place is a line of a profile, from 0.
type place struct {
	file string
	line int
}

// A mistake in a valid profile is one error, on the line where it was made, however the profile goes on: each kind of mistake at
// some places of the corpus, and any kind at any place.
func TestOneErrorPerMistake(t *testing.T) {
	corpus := validCorpus(t)
	places := map[string][]place{}
	for _, m := range mistakes() {
		for _, file := range slices.Sorted(maps.Keys(corpus)) {
			for i, line := range ownLines(corpus[file], m.data) {
				if m.line.MatchString(line) {
					places[m.name] = append(places[m.name], place{file, i})
				}
			}
		}
		require.NotEmpty(t, places[m.name], "no line of the corpus has room for %s", m.name)
		const some = 4
		for i := range some {
			m.plant(t, corpus, places[m.name][i*len(places[m.name])/some])
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		m := rapid.SampledFrom(mistakes()).Draw(t, "mistake")
		m.plant(t, corpus, rapid.SampledFrom(places[m.name]).Draw(t, "place"))
	})
}

// plant makes the mistake at a place, and checks what is said of it.
func (m mistake) plant(t require.TestingT, corpus map[string]string, at place) {
	lines := strings.Split(corpus[at.file], "\n")
	lines[at.line] = m.make(lines[at.line])
	want := at.line + 1 + strings.Count(lines[at.line], "\n")
	start := time.Now()
	p, diags := profile.LoadBytes([]byte(strings.Join(lines, "\n")), at.file, profile.Options{})
	require.Less(t, time.Since(start), 10*time.Second)
	errs, _ := diag.Split(diags)
	for _, d := range errs {
		requirePlain(t, d)
	}
	good := len(errs) == 1 && errs[0].Subject != nil && errs[0].Subject.Start.Line == want
	require.True(t, good, "%s: want one error on line %d: %s\ngot\n%s", m.name, want, lines[at.line], shownAll(p, errs))
}

func shownAll(p *profile.Profile, diags hcl.Diagnostics) string {
	var out []string
	for _, d := range diags {
		out = append(out, shown(p, d))
	}
	return strings.Join(out, "\n")
}

// goWords are what errors and types of Go and of its libraries look like. None reaches a user.
var goWords = regexp.MustCompile(`cty\.|unmarshal|strconv\.|parse error|runtime error|\*hcl|hclsyntax|json:|invalid syntax|\bGo (type|value)|%!|<nil>|panic|interface ?\{|map\[|\[\]string|tuple\b|primitive-typed|goroutine|net/url|unsupported protocol scheme|first path segment`)

func requirePlain(t require.TestingT, d *hcl.Diagnostic) {
	text := d.Summary + "\n" + d.Detail + "\n" + diag.AdviceOf(d)
	require.False(t, goWords.MatchString(text), "%s", text)
}

// validCorpus are profiles without an error, by file; those of several files and those that need values aren't among them.
func validCorpus(t *testing.T) map[string]string {
	t.Helper()
	corpus := map[string]string{}
	for _, pattern := range []string{"testdata/valid/*.hcl", "testdata/mistakes/*.hcl", "../../examples/*/profiles.hcl", "../../compiler/testdata/*.hcl"} {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		for _, file := range files {
			src, err := os.ReadFile(file)
			require.NoError(t, err)
			if _, diags := profile.LoadBytes(src, file, profile.Options{}); !diags.HasErrors() {
				corpus[file] = string(src)
			}
		}
	}
	require.Greater(t, len(corpus), 8, fmt.Sprint(corpus))
	return corpus
}

// ownLines are a text's lines, where those of heredocs are empty, and unless data is set those of locals and variables too.
func ownLines(src string, data bool) []string {
	lines := strings.Split(src, "\n")
	end, inData := "", false
	for i, line := range lines {
		if strings.HasPrefix(line, "locals ") || strings.HasPrefix(line, "variable ") {
			inData = true
		}
		hidden := end != "" || inData && !data
		if m := regexp.MustCompile(`<<-?(\w+)$`).FindStringSubmatch(line); m != nil {
			end = m[1]
		}
		if strings.TrimSpace(line) == end {
			end = ""
		}
		if line == "}" {
			inData = false
		}
		if hidden {
			lines[i] = ""
		}
	}
	return lines
}
