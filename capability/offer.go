package capability

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// Offer is what one worker offers. It is plain data that travels in a Nomad job (hcl/manifest), in Redis and over HTTP.
type Offer struct {
	// Type is the job type the worker's connector runs, for example "comfyui".
	Type string `json:"type"`
	// Flags are the plain capabilities, for example "gpu" and "cuda". Sorted, no duplicates.
	Flags []string `json:"flags,omitempty"`
	// Attrs are the valued capabilities by dotted name: "gpu.memory" → "24GiB", "driver" → "550.54", "model" → a list.
	// A value is a string (a quantity, a version or a word), a number, a bool, or a list of strings.
	Attrs map[string]any `json:"attrs,omitempty"`
}

// maxOffered bounds a list in an offer. It is large because a machine may hold thousands of models.
const maxOffered = 10_000

// Validate returns a [*FieldError] if the offer is invalid: Field is type, flags[i] or attrs["name"].
func (o Offer) Validate() error {
	if err := checkType(o.Type); err != nil {
		return err
	}
	for i, f := range o.Flags {
		if len(f) > maxName || !flagName.MatchString(f) {
			return &FieldError{fmt.Sprintf("flags[%d]", i), fmt.Sprintf("%q is not a capability: letters, digits and . _ : / + -, at most %d bytes", shorten(f), maxName)}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(o.Attrs)) {
		field := fmt.Sprintf("attrs[%q]", name)
		if problem := checkName(name); problem != "" {
			return &FieldError{field, problem}
		}
		values, err := offeredValues(o.Attrs[name])
		if err != nil {
			return &FieldError{field, err.Error()}
		}
		for _, v := range values {
			if err := v.checkDimension(name); err != nil {
				return &FieldError{field, err.Error()}
			}
		}
	}
	return nil
}

// Profile identifies all workers with this same offer, by 16 hexadecimal digits. The order of flags and lists doesn't
// matter.
func (o Offer) Profile() string {
	same := Offer{Type: o.Type, Flags: slices.Compact(slices.Sorted(slices.Values(o.Flags))), Attrs: map[string]any{}}
	for name, v := range o.Attrs {
		values, err := offeredValues(v)
		if err != nil {
			same.Attrs[name] = fmt.Sprint(v)
			continue
		}
		texts := make([]string, len(values))
		for i, e := range values {
			texts[i] = fmt.Sprintf("%t %s", e.number, e.text)
		}
		slices.Sort(texts)
		same.Attrs[name] = slices.Compact(texts)
	}
	b, err := json.Marshal(same)
	if err != nil { // can't happen, as only strings are left; a distinct profile is the safe answer
		b = []byte(fmt.Sprint(same))
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}

// offered is one element of what a worker offers under a name.
type offered struct {
	literal
	number bool // offered as a JSON number: compares as a number, not as a version
}

// offeredValues converts an attribute's value: a string, number, bool, or a list of those.
func offeredValues(v any) ([]offered, error) {
	switch v := v.(type) {
	case []string:
		return offeredList(v)
	case []any:
		return offeredList(v)
	}
	one, err := offeredValue(v)
	if err != nil {
		return nil, err
	}
	return []offered{one}, nil
}

func offeredList[T any](list []T) ([]offered, error) {
	if len(list) > maxOffered {
		return nil, fmt.Errorf("%d values, at most %d", len(list), maxOffered)
	}
	out := make([]offered, 0, len(list))
	for i, e := range list {
		o, err := offeredValue(e)
		if err != nil {
			return nil, fmt.Errorf("element %d: %w", i, err)
		}
		out = append(out, o)
	}
	return out, nil
}

func offeredValue(v any) (offered, error) {
	if text, ok := numberText(v); ok {
		lit, err := parseLiteral(text)
		return offered{literal: lit, number: lit.kind == version}, err
	}
	switch v := v.(type) {
	case string:
		lit, err := parseLiteral(v)
		return offered{literal: lit}, err
	case bool:
		lit, err := parseLiteral(strconv.FormatBool(v))
		return offered{literal: lit}, err
	}
	return offered{}, fmt.Errorf("a %T is not a value: write a string, a number, true, false, or a list of those", v)
}

// numberText formats any JSON or Go number without an exponent.
func numberText(v any) (string, bool) {
	switch v := v.(type) {
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	case float32:
		return strconv.FormatFloat(float64(v), 'f', -1, 32), true
	case int:
		return strconv.Itoa(v), true
	case int64:
		return strconv.FormatInt(v, 10), true
	case json.Number:
		f, err := v.Float64()
		if err != nil {
			return v.String(), true
		}
		return strconv.FormatFloat(f, 'f', -1, 64), true
	}
	return "", false
}
