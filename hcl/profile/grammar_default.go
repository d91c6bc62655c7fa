package profile

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Defaults that are not those of a single argument. All others stand in the grammar (grammar.go): see [Default].
const (
	DefaultAgentCommand  = "/usr/local/bin/machine-agent"
	DefaultArtifactAgent = "local/machine-agent" // agent.command where an artifact brings it
)

// Default returns what applies where a profile leaves an argument out. The argument is named by its path in the grammar, such
// as "machine.service.kill_timeout". T is the type of its values: string, int, bool, [time.Duration], int64 for a size, or
// []string. Default panics where the grammar has no such argument, or it has no default of that type.
func Default[T any](argument string) T {
	t, ok := argumentAt(argument).def().(T)
	if !ok {
		panic(fmt.Sprintf("profile: %s has no default of type %T", argument, t))
	}
	return t
}

// Choices returns the words that an argument takes; it is named as in [Default].
func Choices(argument string) []string { return argumentAt(argument).oneOf }

// TakesZero reports whether a duration may be zero; it is named as in [Default].
func TakesZero(argument string) bool { return argumentAt(argument).zero }

func argumentAt(path string) *argument {
	steps := strings.Split(path, ".")
	b := language()
	for _, step := range steps[:len(steps)-1] {
		if b = b.child(step); b == nil {
			panic("profile: the grammar has no block " + path)
		}
	}
	a := b.arg(steps[len(steps)-1])
	if a == nil {
		panic("profile: the grammar has no argument " + path)
	}
	return a
}

// def returns the argument's default in the Go type of its values, or nil. A default that isn't of the argument's type is a fault
// of the grammar; a test looks at all of them.
func (a *argument) def() any {
	if a.fallback == "" {
		return nil
	}
	v, err := any(a.fallback), error(nil)
	switch a.typ {
	case typeInt:
		v, err = strconv.Atoi(a.fallback)
	case typeBool:
		v, err = strconv.ParseBool(a.fallback)
	case typeDuration:
		v, err = time.ParseDuration(a.fallback)
	case typeSize:
		v, err = ParseSize(a.fallback)
	case typeStrings:
		var list []string
		err = json.Unmarshal([]byte(a.fallback), &list)
		v = list
	}
	if err != nil {
		panic(fmt.Sprintf("profile: default of %s: %s", a.name, err))
	}
	return v
}
