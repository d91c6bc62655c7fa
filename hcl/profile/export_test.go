package profile

import "github.com/zclconf/go-cty/cty/function"

// Functions are those of the language, for tests that evaluate expressions by themselves.
func Functions() map[string]function.Function { return functions(newSecretTable()) }
