package main

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// What is wrong with a JSON document is said with its place, and without the decoder's words.
func TestJSONPlace(t *testing.T) {
	for doc, want := range map[string]string{
		"":                              "it is empty",
		" \n":                           "it is empty",
		"[1]":                           "it is a list",
		`"x"`:                           "it is a string",
		"1":                             "it is a number",
		"true":                          "it is true or false",
		`{"a": 1e}`:                     "line 1, column 9: unexpected '}'",
		`{"a": "x`:                      "line 1, column 8: it ends too early; a bracket, brace or quotation mark is missing",
		"{\"a\": [1,\n 2":               "line 2, column 2: it ends too early; a bracket, brace or quotation mark is missing",
		`{"a": 1} x`:                    "line 1, column 10: unexpected 'x'",
		"{\"a\":\n 1,\n}":               "line 3, column 1: unexpected '}'",
		"{\"a\": \"\n\"}":               `line 1, column 8: unexpected line end: write \n for one in a text`,
		"{\"a\": \"\t\"}":               `line 1, column 8: unexpected tab: write \t for one in a text`,
		"{'a': 1}":                      `line 1, column 2: unexpected '\''`,
		"{\"n\": \"x\"}":                "line 1, column 9: n can't be a string",
		"{\"n\": 1.5}":                  "line 1, column 9: n can't be a number 1.5",
		"{\n\"in\": {\"m\": [true]\n}}": "",
	} {
		var err error
		if doc != "" && doc[0] == '{' && len(doc) > 3 && doc[2] == 'n' {
			err = json.Unmarshal([]byte(doc), &struct {
				N int `json:"n"`
			}{})
		} else {
			err = json.Unmarshal([]byte(doc), &map[string]any{})
		}
		if want == "" {
			require.NoError(t, err)
			continue
		}
		require.Error(t, err, doc)
		require.Equal(t, want, jsonPlace([]byte(doc), err), "%q", doc)
	}
}
