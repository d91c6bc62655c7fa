package profile

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// secretTable holds the secret() references of one load; each is one private-use rune in the evaluated strings.
type secretTable struct {
	list  []Secret
	index map[Secret]rune
}

func newSecretTable() *secretTable {
	return &secretTable{index: map[Secret]rune{}}
}

func (t *secretTable) add(s Secret) (rune, error) {
	if r, ok := t.index[s]; ok {
		return r, nil
	}
	r := firstSecret + rune(len(t.list))
	if r > lastSecret {
		return 0, fmt.Errorf("more than %d different secrets", len(t.list))
	}
	t.list = append(t.list, s)
	t.index[s] = r
	return r, nil
}

// whole returns the secret a string consists of.
func (t *secretTable) whole(s string) (Secret, bool) {
	runes := []rune(s)
	if len(runes) != 1 || !isSecretRune(runes[0]) || int(runes[0]-firstSecret) >= len(t.list) {
		return Secret{}, false
	}
	return t.list[runes[0]-firstSecret], true
}

func isSecretRune(r rune) bool { return r >= firstSecret && r <= lastSecret }

func hasSecret(s string) bool { return strings.ContainsFunc(s, isSecretRune) }

// function returns secret(path, key).
func (t *secretTable) function() function.Function {
	// What Nomad accepts as the path of a variable.
	path := regexp.MustCompile(`^[a-zA-Z0-9_~/-]{1,128}$`)
	return function.New(&function.Spec{
		Description: "A reference to an item of a Nomad variable, rendered where the task runs.",
		Params:      []function.Parameter{{Name: "path", Type: cty.String}, {Name: "key", Type: cty.String}},
		Type:        function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			s := Secret{Path: stringOf(args[0]), Key: stringOf(args[1])}
			switch {
			case !path.MatchString(s.Path) || strings.HasPrefix(s.Path, "/") || strings.HasSuffix(s.Path, "/"):
				return cty.UnknownVal(cty.String), function.NewArgErrorf(0, "the path of a Nomad variable has letters, digits, - _ ~ and / only, such as \"models/huggingface\"")
			case s.Key == "" || strings.ContainsFunc(s.Key, func(r rune) bool { return r < ' ' || r >= firstPlaceholder }) || strings.ContainsAny(s.Key, "\"`{}"):
				return cty.UnknownVal(cty.String), function.NewArgErrorf(1, "the key is the name of an item of the Nomad variable, such as \"token\"")
			}
			r, err := t.add(s)
			if err != nil {
				return cty.UnknownVal(cty.String), errors.Join(err)
			}
			return cty.StringVal(string(r)), nil
		},
	})
}
