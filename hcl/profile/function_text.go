package profile

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty/function"
)

func base64EncodeFunc() function.Function {
	return textFunc(func(s string) (string, error) { return base64.StdEncoding.EncodeToString([]byte(s)), nil })
}

func base64DecodeFunc() function.Function {
	return textFunc(func(s string) (string, error) {
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

func sha256Func() function.Function {
	return textFunc(func(s string) (string, error) {
		sum := sha256.Sum256([]byte(s))
		return hex.EncodeToString(sum[:]), nil
	})
}
