package queue

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/emprops/machinectl/capability"
	"github.com/emprops/machinectl/hcl/timetext"
	"github.com/emprops/machinectl/hcl/wiretime"
)

// Limits of a [Submission], in addition to those of package capability.
const (
	MaxTimeout        = 7 * 24 * time.Hour
	MaxMaxAttempts    = 100
	maxDelay          = 366 * 24 * time.Hour
	maxTenant         = 128
	maxIdempotencyKey = 256
	maxMetadata       = 32
	maxMetadataValue  = 1024
	maxReason         = 500
	// MaxWebhook is the largest length of a webhook's URL in bytes.
	MaxWebhook = 2048
	maxName    = 128 // of a machine or a worker
)

// checked is a valid submission, in the form that the script takes.
type checked struct {
	Submission
	id       string
	shared   bool          // the id is that of the first submission with the idempotency key
	resent   bool          // the call was made twice, because the first answer was lost
	late     *InvalidError // its deadline has passed: it can only repeat an earlier submission
	needs    capability.Requirements
	class    string
	priority int
	meta     string
}

// check checks everything that doesn't need Redis, and fills in the defaults.
func (o *Options) check(s Submission, now time.Time) (*checked, error) {
	needs, err := capability.Parse(s.Type, s.Capabilities, s.Requires)
	var field *capability.FieldError
	if errors.As(err, &field) {
		return nil, &InvalidError{field.Field, field.Problem}
	}
	if err != nil {
		return nil, err
	}
	c := &checked{Submission: s, needs: needs, class: needs.Class(), priority: DefaultPriority}
	if s.Priority != nil {
		c.priority = *s.Priority
	}
	for _, step := range []func() *InvalidError{
		c.checkNumbers, c.checkTexts, func() *InvalidError { return c.checkTimes(now) },
		func() *InvalidError { return c.checkPayload(o.MaxPayload) }, c.checkMetadata,
	} {
		if invalid := step(); invalid != nil {
			return nil, invalid
		}
	}
	return c, c.addMeta()
}

func (c *checked) checkNumbers() *InvalidError {
	switch {
	case c.priority < 0 || c.priority > MaxPriority:
		return &InvalidError{"priority", fmt.Sprintf("is %d: write 0 to %d, higher is earlier", c.priority, MaxPriority)}
	case c.Timeout < 0:
		return &InvalidError{"timeout", fmt.Sprintf("is %s: must not be negative", timetext.Duration(c.Timeout.D()))}
	case c.Timeout > 0 && c.Timeout.D() < time.Millisecond || c.Timeout.D() > MaxTimeout:
		return &InvalidError{"timeout", fmt.Sprintf("is %s: write 1ms to %s", timetext.Duration(c.Timeout.D()), timetext.Duration(MaxTimeout))}
	case c.MaxAttempts < 0 || c.MaxAttempts > MaxMaxAttempts:
		return &InvalidError{"max_attempts", fmt.Sprintf("is %d: write 1 to %d", c.MaxAttempts, MaxMaxAttempts)}
	}
	if c.Timeout == 0 {
		c.Timeout = wiretime.Duration(DefaultTimeout)
	}
	if c.MaxAttempts == 0 {
		c.MaxAttempts = DefaultMaxAttempts
	}
	return nil
}

func (c *checked) checkTimes(now time.Time) *InvalidError {
	for name, t := range map[string]*time.Time{"not_before": c.NotBefore, "deadline": c.Deadline} {
		if t != nil && t.After(now.Add(maxDelay)) {
			return &InvalidError{name, "is more than a year away"}
		}
	}
	switch {
	case c.Deadline != nil && !c.Deadline.After(now) && c.IdempotencyKey != "":
		c.late = &InvalidError{"deadline", "has passed already"}
	case c.Deadline != nil && !c.Deadline.After(now):
		return &InvalidError{"deadline", "has passed already"}
	case c.Deadline != nil && c.NotBefore != nil && !c.Deadline.After(*c.NotBefore):
		return &InvalidError{"deadline", "is not after not_before: the job could never start"}
	}
	return nil
}

func (c *checked) checkPayload(limit int) *InvalidError {
	if len(c.Parameters) > limit {
		return &InvalidError{"parameters", fmt.Sprintf("are %d bytes, at most %d: put large inputs into the blob store and refer to them", len(c.Parameters), limit)}
	}
	if len(c.Parameters) == 0 {
		return nil
	}
	var compact bytes.Buffer
	if !utf8.Valid(c.Parameters) {
		return &InvalidError{"parameters", "are not UTF-8"}
	}
	if json.Compact(&compact, c.Parameters) != nil {
		return &InvalidError{"parameters", "are not JSON"}
	}
	c.Parameters = compact.Bytes()
	if compact.String() == "null" { // the same as no parameters
		c.Parameters = nil
	}
	return nil
}

func (c *checked) checkTexts() *InvalidError {
	if problem := checkText(c.Tenant, maxTenant); problem != "" {
		return &InvalidError{"tenant", problem}
	}
	if problem := checkText(c.IdempotencyKey, maxIdempotencyKey); problem != "" {
		return &InvalidError{"idempotency_key", problem}
	}
	if problem := checkWebhook(c.Webhook); problem != "" {
		return &InvalidError{"webhook", problem}
	}
	return nil
}

// checkWebhook refuses what can't be a webhook. Which hosts may be called is up to the sender of webhooks.
func checkWebhook(webhook string) string {
	if webhook == "" {
		return ""
	}
	if problem := checkText(webhook, MaxWebhook); problem != "" {
		return problem
	}
	u, err := url.Parse(webhook)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return `is not a URL such as "https://example.com/hook"`
	case u.User != nil:
		return "contains a user name: a receiver knows a webhook by its signature, not by a password in the URL"
	case u.Fragment != "":
		return "contains a fragment (#…), which is never sent"
	}
	return ""
}

func (c *checked) checkMetadata() *InvalidError {
	if len(c.Metadata) > maxMetadata {
		return &InvalidError{"metadata", fmt.Sprintf("has %d entries, at most %d", len(c.Metadata), maxMetadata)}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Metadata)) {
		field := fmt.Sprintf("metadata[%q]", printable(name))
		if name == "" {
			return &InvalidError{field, "a name is empty"}
		}
		if problem := checkText(name, maxTenant); problem != "" {
			return &InvalidError{field, "the name " + problem}
		}
		if v := c.Metadata[name]; len(v) > maxMetadataValue || !utf8.ValidString(v) || strings.ContainsRune(v, 0) {
			return &InvalidError{field, fmt.Sprintf("must be text of at most %d bytes", maxMetadataValue)}
		}
	}
	return nil
}

func (c *checked) addMeta() error {
	e := extra{Webhook: c.Webhook, Metadata: c.Metadata, NotBefore: millis(c.NotBefore)}
	if c.IdempotencyKey != "" {
		e.Deadline = millis(c.Deadline)
	}
	if e.Webhook == "" && len(e.Metadata) == 0 && e.NotBefore == 0 && e.Deadline == 0 {
		return nil
	}
	b, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("queue: metadata: %w", err)
	}
	c.meta = string(b)
	return nil
}

// checkText refuses what can't stand in a record: control characters (a tab would split it) and bytes that are not UTF-8.
func checkText(s string, limit int) string {
	switch {
	case len(s) > limit:
		return fmt.Sprintf("is %d bytes long, at most %d", len(s), limit)
	case !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl):
		return "contains control characters, or bytes that are not UTF-8"
	}
	return ""
}

// printable returns a text in a form that can stand in a message or a record.
func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return ' '
		}
		return r
	}, s)
	if len(s) > maxReason {
		s = strings.ToValidUTF8(s[:maxReason], "") + "…"
	}
	return s
}

func millis(t *time.Time) int64 {
	if t == nil {
		return 0
	}
	return t.UnixMilli()
}
