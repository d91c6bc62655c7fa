package profile

import (
	"errors"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// functions returns what expressions can call, by name, except those that read anything outside of the profile.
func functions(secrets *secretTable) map[string]function.Function {
	all := pureFunctions(secrets)
	for name, f := range all {
		if name != "nonsensitive" && name != "secret" {
			all[name] = bounded(f)
		}
	}
	return all
}

func pureFunctions(secrets *secretTable) map[string]function.Function {
	return map[string]function.Function{
		// Numbers
		"sum": sumFunc(), "abs": stdlib.AbsoluteFunc, "ceil": stdlib.CeilFunc, "floor": stdlib.FloorFunc, "max": stdlib.MaxFunc,
		"min": stdlib.MinFunc, "parseint": stdlib.ParseIntFunc, "signum": stdlib.SignumFunc,
		// Strings
		"chomp": stdlib.ChompFunc, "endswith": affixFunc("Whether the text ends with the affix.", strings.HasSuffix), "format": narrow(stdlib.FormatFunc),
		"formatlist": narrow(stdlib.FormatListFunc), "indent": indentFunc(), "join": short(stdlib.JoinFunc, joined), "lower": stdlib.LowerFunc,
		"regex": stdlib.RegexFunc, "regexall": stdlib.RegexAllFunc, "regexreplace": short(stdlib.RegexReplaceFunc, replacedByRegex),
		"replace": short(stdlib.ReplaceFunc, replaced), "split": stdlib.SplitFunc, "startswith": affixFunc("Whether the text starts with the affix.", strings.HasPrefix),
		"strlen": stdlib.StrlenFunc, "strrev": stdlib.ReverseFunc, "substr": stdlib.SubstrFunc, "title": stdlib.TitleFunc,
		"trim": stdlib.TrimFunc, "trimprefix": stdlib.TrimPrefixFunc, "trimspace": stdlib.TrimSpaceFunc,
		"trimsuffix": stdlib.TrimSuffixFunc, "upper": stdlib.UpperFunc,
		// Collections
		"alltrue": boolsFunc("Whether all of the list's items are true.", true), "anytrue": boolsFunc("Whether one of the list's items is true.", false),
		"chunklist": stdlib.ChunklistFunc, "coalesce": stdlib.CoalesceFunc, "coalescelist": stdlib.CoalesceListFunc,
		"compact": stdlib.CompactFunc, "concat": stdlib.ConcatFunc, "contains": stdlib.ContainsFunc,
		"distinct": stdlib.DistinctFunc, "element": stdlib.ElementFunc, "flatten": stdlib.FlattenFunc, "keys": stdlib.KeysFunc,
		"length": lengthFunc(), "lookup": stdlib.LookupFunc, "merge": mergeFunc(), "range": stdlib.RangeFunc,
		"reverse": stdlib.ReverseListFunc, "setintersection": stdlib.SetIntersectionFunc,
		"setsubtract": stdlib.SetSubtractFunc, "setunion": stdlib.SetUnionFunc, "slice": stdlib.SliceFunc,
		"sort": stdlib.SortFunc, "values": stdlib.ValuesFunc, "zipmap": stdlib.ZipmapFunc,
		// Encoding
		"csvdecode": stdlib.CSVDecodeFunc, "jsondecode": decoding(stdlib.JSONDecodeFunc), "jsonencode": stdlib.JSONEncodeFunc,
		"base64decode": decoding(base64DecodeFunc()), "base64encode": base64EncodeFunc(), "sha256": sha256Func(),
		// Types
		"tobool": toFunc(cty.Bool), "tonumber": toFunc(cty.Number), "tostring": toFunc(cty.String),
		"tolist": toFunc(cty.List(cty.DynamicPseudoType)), "tomap": toFunc(cty.Map(cty.DynamicPseudoType)),
		"toset": toFunc(cty.Set(cty.DynamicPseudoType)),
		// Secrets
		"nonsensitive": nonsensitiveFunc(), "secret": secrets.function(),
	}
}

// boolsFunc returns the function that reports whether all items are true, or any.
func boolsFunc(doc string, all bool) function.Function {
	return function.New(&function.Spec{
		Description: doc,
		Params:      []function.Parameter{{Name: "list", Type: cty.List(cty.Bool)}},
		Type:        function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			result := cty.BoolVal(all)
			for _, v := range items(args[0]) {
				if v.IsNull() {
					return cty.UnknownVal(cty.Bool), function.NewArgErrorf(0, "there is a null in the list")
				}
				if all {
					result = result.And(v)
				} else {
					result = result.Or(v)
				}
			}
			return result, nil
		},
	})
}

func sumFunc() function.Function {
	return function.New(&function.Spec{
		Description: "The sum of the list's numbers.",
		Params:      []function.Parameter{{Name: "list", Type: cty.List(cty.Number)}},
		Type:        function.StaticReturnType(cty.Number),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			sum := cty.Zero
			for _, v := range items(args[0]) {
				if v.IsNull() {
					return cty.UnknownVal(cty.Number), function.NewArgErrorf(0, "there is a null in the list")
				}
				sum = sum.Add(v)
			}
			return sum, nil
		},
	})
}

// mergeFunc returns merge(maps…), which passes over a null without losing its mark: a sensitive map may be null.
func mergeFunc() function.Function {
	f := stdlib.MergeFunc
	return function.New(&function.Spec{
		Description: f.Description(), VarParam: f.VarParam(), Type: f.ReturnTypeForValues,
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			v, err := f.Call(args)
			return v.WithSameMarks(args...), err
		},
	})
}

// lengthFunc returns length(value), which counts the characters of a string or the items of anything else.
func lengthFunc() function.Function {
	return function.New(&function.Spec{
		Description: "The number of characters of a string, or of items of anything else.",
		Params:      []function.Parameter{{Name: "v", Type: cty.DynamicPseudoType, AllowDynamicType: true}},
		Type:        function.StaticReturnType(cty.Number),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if args[0].Type() == cty.String {
				return stdlib.Strlen(args[0])
			}
			return stdlib.Length(args[0])
		},
	})
}

func affixFunc(doc string, has func(s, affix string) bool) function.Function {
	return function.New(&function.Spec{
		Description: doc,
		Params:      []function.Parameter{{Name: "str", Type: cty.String}, {Name: "affix", Type: cty.String}},
		Type:        function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			return cty.BoolVal(has(stringOf(args[0]), stringOf(args[1]))), nil
		},
	})
}

// toFunc converts to a type; where that has an element type of its own choice, the result's type follows the argument.
func toFunc(want cty.Type) function.Function {
	return function.New(&function.Spec{
		Description: "Converts to " + want.FriendlyName() + ".",
		Params:      []function.Parameter{{Name: "v", Type: cty.DynamicPseudoType, AllowNull: true, AllowDynamicType: true}},
		Type: func(args []cty.Value) (cty.Type, error) {
			if args[0].Type() == cty.DynamicPseudoType {
				return want, nil
			}
			v, err := convert.Convert(args[0], want)
			if err != nil {
				return want, function.NewArgErrorf(0, "this is not a %s and can't be converted to one", want.FriendlyName())
			}
			return v.Type(), nil
		},
		Impl: func(args []cty.Value, ret cty.Type) (cty.Value, error) {
			return convert.Convert(args[0], ret)
		},
	})
}

// textFunc returns a function of a string's bytes. It refuses values that are known on the machine only.
func textFunc(doc string, f func(string) (string, error)) function.Function {
	return function.New(&function.Spec{
		Description: doc,
		Params:      []function.Parameter{{Name: "str", Type: cty.String}},
		Type:        function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			s := stringOf(args[0])
			if hasSecret(s) || len(placeholdersIn(s)) > 0 {
				return cty.UnknownVal(cty.String), function.NewArgError(0, errors.New("self, nomad and secret() values are known on the machine only; this function needs the text itself"))
			}
			out, err := f(s)
			if err != nil {
				return cty.UnknownVal(cty.String), function.NewArgError(0, err)
			}
			return cty.StringVal(out), nil
		},
	})
}
