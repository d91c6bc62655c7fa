package profile

import (
	"fmt"
	"regexp"
	"strings"
)

// words are what is said of a mistake.
type words struct{ summary, detail, advice string }

// line is a line of the text, and the parts of it that a habit's form names.
type line struct {
	scan   *syntaxScan
	number int
	part   func(name string) string
}

// next returns the next line that isn't empty, without surrounding space.
func (l line) next() string {
	for number := l.number + 1; ; number++ {
		text, start := l.scan.line(number)
		if trimmed := strings.TrimSpace(text); trimmed != "" || start-l.scan.start.Byte >= len(l.scan.src) {
			return trimmed
		}
	}
}

// habit is what people write who know another language better.
type habit struct {
	parser string         // part of the parser's message
	form   *regexp.Regexp // of the line; its group "at" is what is shown
	say    func(l line) words
}

func fixed(summary, detail, advice string) func(line) words {
	return func(line) words { return words{summary, detail, advice} }
}

// habits returns the habits in the order in which they are tried.
func habits() []habit {
	return []habit{
		{"", mergeMarker, fixed("Unresolved merge conflict", "The line is a mark of a version control system, between two versions of the text.", "Keep one of the versions and remove the marks.")},
		{"", heredocStart, fixed("Wrong start of a heredoc", "It begins with << or <<-, directly followed by a word without quotation marks that ends the line.", "Write <<-EOT, then the lines of the text, then EOT on a line of its own.")},
		{"", listItem, fixed("A list as in YAML", "A list is written in square brackets.", "Write name = [\"a\", \"b\"].")},
		{"", colonAfterName, colonInstead},
		{"", wrongAssignment, func(l line) words {
			return words{fmt.Sprintf("A %s instead of an equals sign", l.part("at")), "An argument is written name = value.", fmt.Sprintf("Write %s = %s.", l.part("name"), l.part("value"))}
		}},
		{"Invalid argument name", quotedName, func(l line) words {
			return words{"An argument's name in quotation marks", "Names are written without them.", fmt.Sprintf("Write %s = …", l.part("name"))}
		}},
		{"", equalsInHeader, func(l line) words {
			return words{"An equals sign before a block's name", "A block is written kind \"name\" { … }.", fmt.Sprintf("Write %s %s {.", l.part("name"), l.part("value"))}
		}},
		{"Unexpected comma", lastComma, fixed("A comma after an argument", "Arguments are separated by line ends; commas are for the items of lists.", "Remove the comma.")},
		{"", keyword, func(l line) words {
			sign := map[string]string{"and": "&&", "or": "||", "not": "!"}[l.part("at")]
			return words{fmt.Sprintf("Unknown operator %q", l.part("at")), "Operators are written as signs.", fmt.Sprintf("Write %s.", sign)}
		}},
		{"", ifThen, fixed("Wrong form of a condition", "There is no if in an expression.", "Write condition ? value : other.")},
		{"separator", arrow, fixed("A => instead of an equals sign", "In a map an item is written name = value; => is for { for … : key => value }.", "Write =.")},
		{"definition", spacedArgument, withoutEquals},
		{"definition", headerAlone, headerWithoutBrace},
		{"rgument", twoArguments, fixed("Two arguments on one line", "An argument ends with its line.", "A block with more than one argument has each on a line of its own.")},
		{"", emptyValue, func(l line) words {
			return words{fmt.Sprintf("%q has no value", l.part("at")), "Nothing follows the equals sign.", fmt.Sprintf("Write a value after %s =, or remove the line.", l.part("at"))}
		}},
		{"", bareNumber, func(l line) words {
			return words{"A number with a unit, without quotation marks", "Sizes, durations and the like are text.", fmt.Sprintf("Write %s = \"%s\".", l.part("name"), l.part("at"))}
		}},
		{"", bareText, func(l line) words {
			return words{"Text without quotation marks", fmt.Sprintf("%s is neither a number nor a reference.", l.part("at")), fmt.Sprintf("Write %s = \"%s\".", l.part("name"), l.part("at"))}
		}},
	}
}

var (
	mergeMarker     = regexp.MustCompile(`^(?P<at><{7}|={7}|>{7}|\|{7})( .*)?$`)
	heredocStart    = regexp.MustCompile(`[=(,]\s*(?P<at><<.*)$`)
	listItem        = regexp.MustCompile(`^\s*(?P<at>- .*)$`)
	colonAfterName  = regexp.MustCompile(`^\s*(?P<at>"?(?P<name>[A-Za-z_][\w-]*)"?\s*:)\s*(?P<value>[^=:/#][^#]*?|),?\s*(?:#.*)?$`)
	wrongAssignment = regexp.MustCompile(`^\s*(?P<name>[A-Za-z_][\w-]*)\s*(?P<at>:=|==|=>|\+=|<-|->|<=)\s*(?P<value>.*?)\s*$`)
	quotedName      = regexp.MustCompile(`^\s*(?P<at>"(?P<name>[^"]*)")\s*=`)
	equalsInHeader  = regexp.MustCompile(`^\s*(?P<name>[A-Za-z_][\w-]*)\s*(?P<at>=)\s*(?P<value>"[^"]*")\s*\{`)
	lastComma       = regexp.MustCompile(`(?P<at>,)\s*(?:#.*|//.*)?$`)
	keyword         = regexp.MustCompile(`^[^"#]*=[^"#]*\s(?P<at>and|or|not)\s`)
	ifThen          = regexp.MustCompile(`=\s*(?P<at>if\s.*)$`)
	arrow           = regexp.MustCompile(`\{[^{}#]*?(?P<at>=>)`)
	spacedArgument  = regexp.MustCompile(`^\s*(?P<at>(?P<name>[A-Za-z_][\w-]*)\s+(?P<value>"[^"]*"|[\w.]+|\[.*\]))\s*(?:#.*|//.*)?$`)
	headerAlone     = regexp.MustCompile(`^\s*(?P<at>(?P<name>[A-Za-z_][\w-]*)(?P<value>(?:\s+"[^"]*"|\s+[A-Za-z_][\w-]*)*))\s*(?:#.*|//.*)?$`)
	twoArguments    = regexp.MustCompile(`[\w-]+\s*=\s*(?:"[^"]*"|[\w.]+|\[[^\]]*\])\s*[,;]?\s+(?P<at>[\w-]+\s*=)`)
	emptyValue      = regexp.MustCompile(`^\s*(?P<at>[\w-]+)\s*=\s*(?:#.*|//.*)?$`)
	bareNumber      = regexp.MustCompile(`^\s*(?P<name>[\w-]+)\s*=\s*(?P<at>[\d.]+ ?(?i:%|[kmgt]i?b?|b|[kmg]?hz|[mnuµ]?s|h|d|w|sec|secs|min|mins|hours?|minutes?|seconds?|days?)(?:[\d.]+[smhd]*)*)\s*(?:#.*|//.*)?$`)
	bareText        = regexp.MustCompile(`^\s*(?P<name>[\w-]+)\s*=\s*(?P<at>[^\s"'\[\](){}#=,?*]+)\s*(?:#.*|//.*)?$`)
)

// colonInstead explains name: value.
func colonInstead(l line) words {
	name, value := l.part("name"), l.part("value")
	switch {
	case strings.HasPrefix(value, "{"):
		return words{"A colon after a name", "That is the syntax of JSON and YAML.", fmt.Sprintf("Write %s { … } for a block, %s = { … } for a map.", name, name)}
	case value == "":
		return words{"A colon after a name", "That is the syntax of YAML.", fmt.Sprintf("Write %s { … } for a block, %s = [ … ] for a list.", name, name)}
	default:
		return words{"A colon instead of an equals sign", "That is the syntax of JSON and YAML.", fmt.Sprintf("Write %s = %s.", name, value)}
	}
}

// withoutEquals explains name value, where the name is that of an argument.
func withoutEquals(l line) words {
	name, value := l.part("name"), l.part("value")
	args, blocks := map[string]bool{}, map[string]bool{}
	language().walk(func(b *block) {
		blocks[b.name] = true
		for _, a := range b.args {
			args[a.name] = true
		}
	})
	if blocks[name] && strings.HasPrefix(value, `"`) || !args[name] && strings.HasPrefix(value, `"`) && strings.HasPrefix(l.next(), "{") {
		return words{}
	}
	return words{"An equals sign is missing", "An argument is written name = value.", fmt.Sprintf("Write %s = %s.", name, value)}
}

// headerWithoutBrace explains a block's header that no brace follows.
func headerWithoutBrace(l line) words {
	if l.next() == "{" {
		return words{"The brace belongs on this line", "The { of a block follows its kind and name directly.", fmt.Sprintf("Write %s {.", l.part("at"))}
	}
	if l.part("value") == "" && !language().knows(l.part("name")) {
		return words{fmt.Sprintf("%q without a value", l.part("name")), "A line is an argument, name = value, or starts a block.", "Write = and a value, or remove it."}
	}
	return words{"A { is missing", "A block's content is written in braces.", fmt.Sprintf("Write %s {.", l.part("at"))}
}

// walk visits a block's grammar and those within it.
func (b *block) walk(visit func(*block)) {
	visit(b)
	for _, c := range b.blocks {
		c.walk(visit)
	}
}

// knows reports whether there is a block of that kind somewhere in the grammar.
func (b *block) knows(kind string) (found bool) {
	b.walk(func(b *block) { found = found || b.name == kind })
	return found
}

// parserWords returns messages for what the parser expected, by its own message. {found} is what it found instead.
func parserWords() map[string]words {
	value := words{"A value is missing", "Here is {found}, where a value is expected.", "Write a number, true or false, a text in quotation marks, a list in [ ], a map in { }, or a reference such as var.name."}
	line := words{"Neither an argument nor a block", "A line is an argument, name = value, or starts a block, kind \"name\" {. This one starts with {found}.", ""}
	return map[string]words{
		"Invalid expression":                              value,
		"Missing expression":                              value,
		"Argument or block definition required":           line,
		"Argument definition required":                    {"Two things on one line", "A block on one line has one argument only.", "A block with more than one argument has each on a line of its own."},
		"Invalid single-argument block definition":        {"The block doesn't end on its line", "A block that is written on one line has one argument, and its } follows directly.", "A block with more than one argument has each on a line of its own."},
		"Missing newline after argument":                  {"The argument doesn't end here", "Its value is followed by {found}.", "Put what follows on a line of its own, or remove it. Text is written in quotation marks."},
		"Missing newline after block definition":          {"The block doesn't end here", "Its } is followed by {found}.", "Put what follows on a line of its own."},
		"Unexpected comma after argument":                 {"A comma after an argument", "Arguments are separated by line ends; commas are for the items of lists.", "Remove the comma."},
		"Invalid block definition":                        {"Wrong start of a block", "A block starts with its kind, its name in quotation marks if it has one, and {. Here is {found}.", "Write kind \"name\" {."},
		"Missing item separator":                          {"A comma is missing", "The items of a list are separated by commas.", "Write a comma here."},
		"Missing argument separator":                      {"A comma is missing", "The arguments of a function are separated by commas.", "Write a comma here, or ) after the last one."},
		"Missing attribute separator":                     {"A comma is missing", "The items of a map are separated by commas or line ends.", "Write a comma here."},
		"Missing attribute value":                         {"An item without a value", "An item of a map is name = value.", "Write = and a value."},
		"Missing key/value separator":                     {"An equals sign is missing", "An item of a map is name = value; a name with dots or spaces is written in quotation marks.", "Write name = value."},
		"Missing false expression in conditional":         {"A condition without an alternative", "? is followed by two values with a colon between them.", "Write condition ? value : other."},
		"Unbalanced parentheses":                          {"A ) is missing", "The parenthesis that was opened isn't closed before {found}.", "Write it here."},
		"Invalid attribute name":                          {"A name is missing after the dot", "Here is {found}.", "Write a name, or remove the dot."},
		"Invalid 'for' expression":                        {"Wrong form of a for expression", "Here is {found}.", "Write [for x in list : value], or { for k, v in map : key => value }."},
		"Invalid 'for' directive":                         {"Wrong form of a for directive", "Here is {found}.", "Write %{ for x in list } … %{ endfor }."},
		"Unexpected end of template":                      {"A directive without an end", "Each %{ if … } has an %{ endif }, and each %{ for … } an %{ endfor }.", "Write the one that is missing; for the characters themselves, %%{."},
		"Unexpected endif directive":                      {"%{ endif } without %{ if … }", "", "Remove it; for the characters themselves, write %%{."},
		"Unexpected endfor directive":                     {"%{ endfor } without %{ for … }", "", "Remove it; for the characters themselves, write %%{."},
		"Unexpected else directive":                       {"%{ else } in the wrong place", "It may occur once between %{ if … } and %{ endif }.", "Remove it; for the characters themselves, write %%{."},
		"Invalid template control keyword":                {"Unknown directive", "%{ is followed by if, else, endif, for or endfor, and here is {found}.", "For the characters themselves, write %%{."},
		"Invalid template directive":                      {"Unknown directive", "%{ is followed by if, else, endif, for or endfor, and here is {found}.", "For the characters themselves, write %%{."},
		"Extra characters after interpolation expression": {"More than one expression in ${ }", "The expression is followed by {found}.", "For the characters themselves, as a shell takes them, write $${."},
		"Invalid escape sequence":                         {"Unknown character after a backslash", "In a text, \\n, \\t, \\\", \\\\ and \\u with four hexadecimal digits have a meaning, and {found} has none.", "For the backslash itself, write \\\\."},
		"Invalid number literal":                          {"Wrong form of a number", "A number is digits, with a point before a fraction.", ""},
		"Missing open parenthesis":                        {"A ( is missing", "A function's name is followed by its arguments in parentheses.", ""},
		"Invalid string literal":                          {"A name can't be calculated", "The name of a block or argument is plain text.", "For blocks that are made from data, use for_each or dynamic."},
		"Extra characters after expression":               {"More than one expression", "The expression is followed by {found}.", "Remove it; text is written in quotation marks."},
	}
}
