package queue

import (
	"cmp"
	"encoding/json"
	"maps"
	"math/big"
	"slices"
	"strings"

	"github.com/emprops/machinectl/capability"
)

// asJob returns the submission as a job that was just accepted.
func (j *checked) asJob() *Job {
	return &Job{
		ID: j.id, Type: j.Type, Class: j.class, Requirements: j.needs, Priority: j.priority, Timeout: j.Timeout, MaxAttempts: j.MaxAttempts,
		NotBefore: j.NotBefore, Deadline: j.Deadline, deadline: j.Deadline, Webhook: j.Webhook, Metadata: j.Metadata, Parameters: j.Parameters,
	}
}

// differences returns the fields in which a submission differs from that of a job.
func (j *checked) differences(job *Job) []string {
	var out []string
	note := func(field string, differs bool) {
		if differs {
			out = append(out, field)
		}
	}
	note("type", j.Type != job.Type)
	out = append(out, requirementsDiffer(j, job)...)
	note("parameters", canonical(j.Parameters) != canonical(job.Parameters))
	note("priority", j.priority != job.Priority)
	note("timeout", j.Timeout.D().Milliseconds() != job.Timeout.D().Milliseconds())
	note("max_attempts", j.MaxAttempts != job.MaxAttempts)
	note("not_before", millis(j.NotBefore) != millis(job.NotBefore))
	note("deadline", millis(j.Deadline) != millis(cmp.Or(job.deadline, job.Deadline)))
	note("webhook", j.Webhook != job.Webhook)
	note("metadata", !maps.Equal(j.Metadata, job.Metadata))
	return out
}

// requirementsDiffer compares requirements in their canonical form, whose hash is the class.
func requirementsDiffer(j *checked, job *Job) []string {
	a, b := j.needs, job.Requirements
	a.Type, b.Type = "", ""
	if j.class == job.Class || a.Class() == b.Class() {
		return nil
	}
	var out []string
	if !slices.Equal(a.Flags, b.Flags) {
		out = append(out, "capabilities")
	}
	if !slices.EqualFunc(a.Constraints, b.Constraints, func(x, y capability.Constraint) bool { return x == y }) || len(out) == 0 {
		out = append(out, "requires")
	}
	return out
}

// canonical returns a JSON document in a form that doesn't depend on the order of keys, on white space, or on how a number or
// a character is written.
func canonical(doc json.RawMessage) string {
	if len(doc) == 0 {
		return ""
	}
	d := json.NewDecoder(strings.NewReader(string(doc)))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return string(doc)
	}
	b, err := json.Marshal(canonicalValue(v))
	if err != nil {
		return string(doc)
	}
	return string(b)
}

func canonicalValue(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name := range v {
			v[name] = canonicalValue(v[name])
		}
	case []any:
		for i := range v {
			v[i] = canonicalValue(v[i])
		}
	case json.Number:
		return canonicalNumber(v.String())
	}
	return v
}

// canonicalNumber returns the number without zeros at either end of its digits, and with an exponent: 1.50 is 15e-1.
func canonicalNumber(text string) json.Number {
	sign := ""
	if strings.HasPrefix(text, "-") {
		sign, text = "-", text[1:]
	}
	mantissa, exponent, _ := strings.Cut(strings.ToLower(text), "e")
	whole, fraction, _ := strings.Cut(mantissa, ".")
	e, ok := new(big.Int).SetString(cmp.Or(strings.TrimPrefix(exponent, "+"), "0"), 10)
	if !ok {
		return json.Number(sign + text)
	}
	digits := strings.TrimLeft(whole+fraction, "0")
	trimmed := strings.TrimRight(digits, "0")
	if trimmed == "" {
		return "0"
	}
	e.Add(e, big.NewInt(int64(len(digits)-len(trimmed)-len(fraction))))
	return json.Number(sign + trimmed + "e" + e.String())
}
