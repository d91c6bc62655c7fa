package profile

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

func base64EncodeFunc() function.Function {
	return textFunc("Encodes the text as base64.", func(s string) (string, error) { return base64.StdEncoding.EncodeToString([]byte(s)), nil })
}

func base64DecodeFunc() function.Function {
	return textFunc("Decodes base64 of UTF-8 text.", func(s string) (string, error) {
		b, err := base64.StdEncoding.DecodeString(s)
		switch {
		case err != nil:
			return "", errors.New("this is not base64")
		case !utf8.Valid(b):
			return "", errors.New("the decoded bytes are not UTF-8 text")
		}
		return string(b), nil
	})
}

// decoding wraps a function whose result may have characters that its argument doesn't have, other than [Reserved] ones.
func decoding(f function.Function) function.Function {
	return function.New(&function.Spec{
		Description: f.Description(), Params: f.Params(), VarParam: f.VarParam(), Type: f.ReturnTypeForValues,
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			v, err := f.Call(args)
			if err != nil {
				return v, err
			}
			given := stringOf(args[0])
			// What is known on the machine only may be part of the argument, and so of the result.
			if text := textsOf(v); strings.ContainsFunc(text, func(r rune) bool { return Reserved(r) && !strings.ContainsRune(given, r) }) {
				return cty.DynamicVal, function.NewArgErrorf(0, "it holds a character that Unicode reserves for private use")
			}
			return v, nil
		},
	})
}

// textsOf joins all texts in a value, and the names in it.
func textsOf(v cty.Value) string {
	var b strings.Builder
	// The callback returns no error, so Walk doesn't either.
	_ = cty.Walk(v, func(path cty.Path, part cty.Value) (bool, error) {
		if len(path) > 0 {
			if step, ok := path[len(path)-1].(cty.GetAttrStep); ok {
				b.WriteString(step.Name)
			}
		}
		if part.Type() == cty.String && part.IsKnown() && !part.IsNull() {
			b.WriteString(stringOf(part))
		}
		return true, nil
	})
	return b.String()
}

func sha256Func() function.Function {
	return textFunc("The text's SHA-256, in hexadecimal digits.", func(s string) (string, error) {
		sum := sha256.Sum256([]byte(s))
		return hex.EncodeToString(sum[:]), nil
	})
}

// widest is how many columns of padding a function may add: more would only fill the memory.
const widest = 1000

// wideVerb finds a verb whose width or precision has more than three digits.
var wideVerb = regexp.MustCompile(`%[^%a-zA-Z]*[0-9]{4,}`)

// narrow refuses format strings with a width or precision of more than [widest].
func narrow(f function.Function) function.Function {
	return function.New(&function.Spec{
		Description: f.Description(),
		Params:      f.Params(),
		VarParam:    f.VarParam(),
		Type: func(args []cty.Value) (cty.Type, error) {
			for _, v := range args {
				if v.IsKnown() && !v.IsNull() && v.Type() == cty.String && hugeNumber.MatchString(stringOf(v)) {
					return cty.DynamicPseudoType, function.NewArgErrorf(0, "numbers go up to 10^%d", numberLimit)
				}
			}
			if spec := args[0]; spec.IsKnown() && !spec.IsNull() && spec.Type() == cty.String && wideVerb.MatchString(stringOf(spec)) {
				return cty.DynamicPseudoType, function.NewArgErrorf(0, "widths go up to 999")
			}
			return f.ReturnTypeForValues(args)
		},
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) { return f.Call(args) },
	})
}

// hugeNumber is text that a numeric verb would make a number with thousands of digits.
var hugeNumber = regexp.MustCompile(`^\s*[+-]?[0-9.]+[eE][+-]?[0-9]{4,}\s*$`)

// short wraps a function whose result, of the length that size predicts, may have at most 1 MiB.
func short(f function.Function, size func(args []cty.Value) int) function.Function {
	return function.New(&function.Spec{
		Description: f.Description(), Params: f.Params(), VarParam: f.VarParam(), Type: f.ReturnTypeForValues,
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if size(args) > heaviest {
				return cty.UnknownVal(cty.String), function.NewArgErrorf(0, "the result would have more than 1 MiB")
			}
			return f.Call(args)
		},
	})
}

func replaced(args []cty.Value) int {
	text, old, by := stringOf(args[0]), stringOf(args[1]), stringOf(args[2])
	return len(text) + strings.Count(text, old)*len(by)
}

func replacedByRegex(args []cty.Value) int {
	// Each character can be a match, and each $1 in the replacement can be all of the text.
	text, by := len(stringOf(args[0])), stringOf(args[2])
	return (text + 1) * (len(by) + strings.Count(by, "$")*text)
}

func joined(args []cty.Value) int {
	sum := 0
	for _, list := range args[1:] {
		for _, v := range items(list) {
			if v.IsKnown() && !v.IsNull() {
				sum += len(stringOf(args[0])) + len(stringOf(v))
			}
		}
	}
	return sum
}

func indentFunc() function.Function {
	return function.New(&function.Spec{
		Description: "Puts spaces before each line of the text but the first.",
		Params:      []function.Parameter{{Name: "spaces", Type: cty.Number}, {Name: "str", Type: cty.String}},
		Type:        function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if n, _ := numberOf(args[0]).Int64(); n < 0 || n > widest || int(n)*strings.Count(stringOf(args[1]), "\n") > heaviest {
				return cty.UnknownVal(cty.String), function.NewArgErrorf(0, "from 0 to %d", widest)
			}
			return stdlib.Indent(args[0], args[1])
		},
	})
}
