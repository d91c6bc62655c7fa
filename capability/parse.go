package capability

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// parseValue parses one entry of a submission's requires: text, a number, a boolean, a list or an object.
func parseValue(name string, v any) (*expr, error) {
	var e *expr
	var err error
	switch v := v.(type) {
	case string:
		e, err = parseExpr(v)
	case []string:
		e, err = parseList(v)
	case []any:
		e, err = parseList(v)
	case map[string]any:
		e, err = parseObject(v)
	default:
		var l literal
		if l, err = parseScalar(v); err == nil {
			e = &expr{all: []literal{l}}
		}
	}
	if err != nil {
		return nil, err
	}
	if err := e.normalise(); err != nil {
		return nil, err
	}
	for _, l := range e.literals() {
		if err := l.checkDimension(name); err != nil {
			return nil, err
		}
	}
	if text := e.String(); len(text) > MaxExpr {
		return nil, fmt.Errorf("is %d bytes long, at most %d", len(text), MaxExpr)
	}
	return e, nil
}

// parseExpr parses the text form; see the package documentation for the grammar.
func parseExpr(s string) (*expr, error) {
	if len(s) > 4*MaxExpr {
		return nil, fmt.Errorf("is %d bytes long, at most %d", len(s), MaxExpr)
	}
	terms, err := splitTop(s)
	if err != nil {
		return nil, err
	}
	if len(terms) > MaxValues {
		return nil, fmt.Errorf("has %d parts, at most %d", len(terms), MaxValues)
	}
	e := &expr{}
	for _, t := range terms {
		if err := e.addTerm(strings.TrimSpace(t)); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// splitTop splits at commas that are neither quoted nor in brackets.
func splitTop(s string) ([]string, error) {
	var out []string
	depth, start, quoted := 0, 0, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == ',' && depth == 0:
			out = append(out, s[start:i])
			start = i + 1
		}
		if depth < 0 || depth > 1 {
			return nil, fmt.Errorf("%q: brackets that don't pair up", shorten(s))
		}
	}
	if depth != 0 || quoted {
		return nil, fmt.Errorf("%q: a bracket or quote isn't closed", shorten(s))
	}
	return append(out, s[start:]), nil
}

func (e *expr) addTerm(t string) error {
	if t == "*" {
		e.present = true
		return nil
	}
	if op, rest := cutOperator(t); op != "" {
		return e.addOperator(op, rest)
	}
	if name, rest, ok := strings.Cut(t, "("); ok && !strings.HasPrefix(t, `"`) {
		args, closed := strings.CutSuffix(rest, ")")
		if !closed {
			return fmt.Errorf("%q: nothing may follow the bracket", shorten(t))
		}
		return e.addCall(strings.TrimSpace(name), args)
	}
	l, err := parseWritten(t)
	if err != nil {
		return err
	}
	e.all = append(e.all, l)
	return nil
}

func cutOperator(t string) (op, rest string) {
	for _, op := range []string{">=", "<=", "==", "!=", "~>", "=>", "=<", "<>", "≥", "≤", ">", "<", "=", "!", "~"} {
		if rest, ok := strings.CutPrefix(t, op); ok {
			return op, strings.TrimSpace(rest)
		}
	}
	return "", t
}

func (e *expr) addOperator(op, rest string) error {
	switch op {
	case "=>", "=<", "<>", "~", "!":
		return fmt.Errorf("%q: %s is not an operator: write >= <= > < = != or ~>", shorten(op+rest), op)
	}
	l, err := parseWritten(rest)
	if err != nil {
		return err
	}
	switch op {
	case "=", "==":
		e.all = append(e.all, l)
		return nil
	case "!=":
		e.none = append(e.none, l)
		return nil
	}
	if !l.ordered() || strings.Contains(l.text, "+") {
		return fmt.Errorf("%s%s: %q has no order: compare with a number, a version or a quantity such as 24GiB", op, l.text, l.text)
	}
	switch op {
	case "~>":
		return e.addPessimistic(l)
	case ">=", "≥":
		return e.addBound(bound{literal: l}, true)
	case "<=", "≤":
		return e.addBound(bound{literal: l}, false)
	case ">":
		return e.addBound(bound{literal: l, strict: true}, true)
	default:
		return e.addBound(bound{literal: l, strict: true}, false)
	}
}

// addPessimistic adds ~>: at least this version, with the same parts except the last one written.
func (e *expr) addPessimistic(l literal) error {
	release, _, _ := strings.Cut(l.text, "-")
	parts := strings.Split(release, ".")
	if l.kind != version || len(parts) < 2 {
		return fmt.Errorf("~>%s: needs a version of two or more parts, such as ~>12.4", l.text)
	}
	n, err := strconv.ParseInt(parts[len(parts)-2], 10, 64)
	if err != nil {
		return fmt.Errorf("~>%s: %w", l.text, err)
	}
	next, err := parseLiteral(strings.Join(append(slices.Clone(parts[:len(parts)-2]), strconv.FormatInt(n+1, 10)), "."))
	if err != nil {
		return err
	}
	return errors.Join(e.addBound(bound{literal: l}, true), e.addBound(bound{literal: next, strict: true}, false))
}

func (e *expr) addCall(name, args string) error {
	texts, err := splitTop(args)
	if err != nil {
		return err
	}
	var list []literal
	for _, t := range texts {
		l, err := parseWritten(strings.TrimSpace(t))
		if err != nil {
			return err
		}
		list = append(list, l)
	}
	return e.addSet(name, list)
}

func (e *expr) addSet(name string, list []literal) error {
	if len(list) > MaxValues {
		return fmt.Errorf("%s has %d values, at most %d", name, len(list), MaxValues)
	}
	switch name {
	case "all":
		e.all = append(e.all, list...)
	case "any":
		e.anys = append(e.anys, list)
	case "none":
		e.none = append(e.none, list...)
	default:
		return fmt.Errorf("%s(…) is unknown: write any(…), all(…) or none(…), or put the text in quotes", shorten(name))
	}
	return nil
}

// parseWritten parses a value inside an expression, where special characters need quotes.
func parseWritten(s string) (literal, error) {
	if strings.HasPrefix(s, `"`) {
		text, err := strconv.Unquote(s)
		if err != nil {
			return literal{}, fmt.Errorf("%s is not a valid quoted text", shorten(s))
		}
		return parseLiteral(text)
	}
	if s == "" {
		return literal{}, errors.New("a value is missing")
	}
	if !bare.MatchString(s) {
		return literal{}, fmt.Errorf("%q: put text with operators, brackets or quotes in it in quotes", shorten(s))
	}
	return parseLiteral(s)
}

// parseScalar parses a JSON value, without interpreting operators in text.
func parseScalar(v any) (literal, error) {
	if text, ok := numberText(v); ok {
		l, err := parseLiteral(text)
		if err == nil && l.kind != version {
			return literal{}, fmt.Errorf("%s: write a number of 0 or more", shorten(text))
		}
		return l, err
	}
	switch v := v.(type) {
	case bool:
		return parseLiteral(strconv.FormatBool(v))
	case string:
		if op, _ := cutOperator(strings.TrimSpace(v)); op != "" {
			return literal{}, fmt.Errorf("%q: a list holds plain values; write one text such as \">=16GiB, <48GiB\" instead", shorten(v))
		}
		return parseLiteral(v)
	case nil:
		return literal{}, errors.New("is null: write a value, or \"*\" for any, or leave the name out")
	}
	return literal{}, fmt.Errorf("a %T can't stand here: write text, a number, true, false, a list or an object", v)
}

func parseList[T any](list []T) (*expr, error) {
	literals, err := parseScalars(list)
	if err != nil {
		return nil, err
	}
	return &expr{all: literals}, nil
}

func parseScalars[T any](list []T) ([]literal, error) {
	if len(list) == 0 {
		return nil, errors.New("is an empty list: name at least one value, or leave the name out")
	}
	if len(list) > MaxValues {
		return nil, fmt.Errorf("has %d values, at most %d", len(list), MaxValues)
	}
	var out []literal
	for i, v := range list {
		l, err := parseScalar(v)
		if err != nil {
			return nil, fmt.Errorf("element %d: %w", i, err)
		}
		out = append(out, l)
	}
	return out, nil
}

func parseObject(m map[string]any) (*expr, error) {
	if len(m) == 0 {
		return nil, errors.New("is an empty object: write any, all, none, min or max in it")
	}
	e := &expr{}
	for _, key := range slices.Sorted(maps.Keys(m)) {
		if err := e.addEntry(key, m[key]); err != nil {
			return nil, fmt.Errorf("%s: %w", shorten(key), err)
		}
	}
	return e, nil
}

func (e *expr) addEntry(key string, v any) error {
	switch key {
	case "any", "all", "none":
		list, ok := v.([]any)
		if !ok {
			return errors.New("write a list")
		}
		literals, err := parseScalars(list)
		if err != nil {
			return err
		}
		return e.addSet(key, literals)
	case "min", "max":
		l, err := parseScalar(v)
		if err != nil {
			return err
		}
		if !l.ordered() || strings.Contains(l.text, "+") {
			return fmt.Errorf("%q has no order: write a number, a version or a quantity such as 24GiB", l.text)
		}
		return e.addBound(bound{literal: l}, key == "min")
	}
	return errors.New("is unknown here: write any, all, none, min or max")
}
