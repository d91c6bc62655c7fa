package standin

import (
	"bytes"
	"encoding/json"
)

// decodePlain decodes JSON into maps, lists and numbers, which keep their digits.
func decodePlain(b []byte) any {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		panic("standin: own JSON does not decode: " + err.Error())
	}
	return v
}
