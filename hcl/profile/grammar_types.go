package profile

import "slices"

// valueType is what an argument takes, in the language's own words.
type valueType int

const (
	typeString valueType = iota
	typeInt              // a whole number within min and max
	typeBool
	typeDuration // text such as "30s"
	typeSize     // text such as "4GiB"
	typeStrings  // a list of strings; numbers and bools become text
	typeFlags    // a list of capability names
	typeEnv      // a map of environment variables; values may be secret()
	typeSettings // a map of strings
	typeAttrs    // a map of capability names to a string, number, bool or list of strings
	typeMachine  // a reference, machine.name
)

// String names the type for a diagnostic, with its article.
func (t valueType) String() string {
	switch t {
	case typeString:
		return "a string"
	case typeInt:
		return "a whole number"
	case typeBool:
		return "true or false"
	case typeDuration:
		return `a duration in quotes, such as "30s" or "2m"`
	case typeSize:
		return `a size in quotes, such as "512MiB" or "4GiB"`
	case typeStrings:
		return "a list of strings"
	case typeFlags:
		return `a list of capability names, such as ["cuda"]`
	case typeEnv:
		return `a map of environment variables, such as { LOG_LEVEL = "info" }`
	case typeSettings:
		return "a map of strings"
	case typeAttrs:
		return `a map of capabilities, such as { model = ["flux-dev"] }`
	case typeMachine:
		return "a reference to a machine block, such as machine.gpu"
	default:
		return "a value"
	}
}

// zero returns the zero value of the Go type of an argument's values, or nil for types of this package.
func (t valueType) zero() any {
	switch t {
	case typeString:
		return ""
	case typeInt:
		return 0
	case typeBool:
		return false
	case typeSize:
		return int64(0)
	case typeStrings, typeFlags:
		return []string(nil)
	case typeSettings:
		return map[string]string(nil)
	default:
		return nil
	}
}

// runtime is the set of run-time values that an argument may use.
type runtime int

const (
	runtimeNone  runtime = iota
	runtimeNomad         // nomad.*
	runtimeSelf          // nomad.* and self.*
)

// argument is one `name = value` of a block.
type argument struct {
	name     string
	typ      valueType
	doc      string
	fallback string // what applies when it is left out, as it would be written, without quotes; empty: nothing
	unless   string // describes what applies if it is left out and that is not a value
	required bool
	oneOf    []string
	planned  []string // words that no agent or driver understands yet, though the language has a name for them
	min, max int      // of typeInt, and of typeSize in MiB; 0 means no bound of its own
	zero     bool     // a typeDuration may be "0s"
	runtime  runtime
	hides    bool     // takes sensitive values: what stands here stays within the machine's tasks
	literal  bool     // of variable blocks: read by its own code, not evaluated as a value
	drivers  []Driver // that take it; empty: all
	// passed arguments go into the task driver's configuration under their own name; see [DriverArguments].
	passed  bool
	caution string // the detail of a warning where it is true
}

// takenBy reports whether a driver takes the argument. A driver that is unknown after an error takes all.
func (a *argument) takenBy(d Driver) bool {
	return len(a.drivers) == 0 || d == "" || slices.Contains(a.drivers, d)
}

// block is a kind of block: its arguments and the blocks within it.
type block struct {
	name  string
	label string // what its label is, "name"; empty: it has none
	many  bool   // may be repeated though it has no label
	// single reports whether there is at most one, whatever its label.
	single bool
	open   bool // its content is not the language's: anything is read, as a Body
	// anyLabel reports whether the label may be any text, rather than a valid name.
	anyLabel bool
	// shown reports whether an open block refuses sensitive values, because its content is shown wherever the pool is.
	shown  bool
	doc    string
	args   []argument
	blocks []*block
}

func (b *block) arg(name string) *argument {
	for i := range b.args {
		if b.args[i].name == name {
			return &b.args[i]
		}
	}
	return nil
}

func (b *block) child(name string) *block {
	for _, c := range b.blocks {
		if c.name == name {
			return c
		}
	}
	return nil
}

func (b *block) argNames() []string {
	names := make([]string, len(b.args))
	for i, a := range b.args {
		names[i] = a.name
	}
	return names
}

func (b *block) childNames() []string {
	names := make([]string, len(b.blocks))
	for i, c := range b.blocks {
		names[i] = c.name
	}
	return names
}
