package alertfile

import (
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/gohcl"
	"github.com/hashicorp/hcl/v2/hclparse"

	"github.com/emprops/machinectl/hcl/diag"
)

// Config is what an alert file says, with defaults filled in.
type Config struct {
	Rules     []Setting // one for each of [Rules] that is on, in their order
	Receivers []Receiver
}

// Setting is how one rule is to be applied.
type Setting struct {
	Rule
	// Repeat is the time after which a firing alert is sent again; 0 means never.
	Repeat    time.Duration
	Receivers []string // names
}

// The kinds of receivers.
const (
	Webhook = "webhook"
	Slack   = "slack"
	Log     = "log"
)

// Receiver is somebody who is told.
type Receiver struct {
	Name string
	Kind string // Webhook, Slack or Log
	URL  string // of a Webhook or Slack; a secret: it often carries a token
}

// defaultRepeat is how often a firing alert is sent again if the file doesn't say.
const defaultRepeat = 4 * time.Hour

// Default returns the configuration without a file: every rule is on and alerts are logged.
func Default() Config {
	c := Config{Receivers: []Receiver{{Name: Log, Kind: Log}}}
	for _, r := range Rules() {
		c.Rules = append(c.Rules, Setting{Rule: r, Repeat: defaultRepeat, Receivers: []string{Log}})
	}
	return c
}

type document struct {
	Receivers []receiverBlock `hcl:"receiver,block"`
	Defaults  []defaultsBlock `hcl:"defaults,block"`
	Rules     []ruleBlock     `hcl:"rule,block"`
}

type receiverBlock struct {
	Name    string        `hcl:"name,label"`
	Webhook []targetBlock `hcl:"webhook,block"`
	Slack   []targetBlock `hcl:"slack,block"`
	Log     []struct{}    `hcl:"log,block"`
	At      hcl.Range     `hcl:",def_range"`
}

type targetBlock struct {
	URL     *string   `hcl:"url"`
	URLEnv  *string   `hcl:"url_env"`
	URLFile *string   `hcl:"url_file"`
	At      hcl.Range `hcl:",def_range"`
}

type defaultsBlock struct {
	Receivers hcl.Expression `hcl:"receivers,optional"`
	Repeat    hcl.Expression `hcl:"repeat,optional"`
	At        hcl.Range      `hcl:",def_range"`
}

type ruleBlock struct {
	Name      string         `hcl:"name,label"`
	Enabled   *bool          `hcl:"enabled"`
	Threshold hcl.Expression `hcl:"threshold,optional"`
	For       hcl.Expression `hcl:"for,optional"`
	Repeat    hcl.Expression `hcl:"repeat,optional"`
	Severity  hcl.Expression `hcl:"severity,optional"`
	Receivers hcl.Expression `hcl:"receivers,optional"`
	At        hcl.Range      `hcl:",def_range"`
}

// Source is where the values of url_env and url_file come from.
type Source struct {
	Env  func(name string) (string, bool)
	File func(name string) ([]byte, error)
}

// OS returns the process's environment and file system.
func OS() Source { return Source{Env: os.LookupEnv, File: os.ReadFile} }

// Parse reads an alert file. The configuration can be used if no diagnostic is an error.
func Parse(name string, text []byte, from Source) (Config, hcl.Diagnostics) {
	file, diags := hclparse.NewParser().ParseHCL(text, name)
	if diags.HasErrors() {
		return Config{}, diags
	}
	var doc document
	if diags = append(diags, gohcl.DecodeBody(file.Body, nil, &doc)...); diags.HasErrors() {
		return Config{}, diags
	}
	r := &reader{from: from, start: hcl.Range{Filename: name, Start: hcl.InitialPos, End: hcl.InitialPos}}
	config := r.config(doc)
	return config, append(diags, r.diags...)
}

// reader turns a decoded document into a configuration.
type reader struct {
	from  Source
	start hcl.Range
	known []string // the receivers' names
	diags hcl.Diagnostics
}

func (r *reader) refuse(at hcl.Range, summary, detail, advice string) {
	r.diags = append(r.diags, diag.Error(at, summary, detail, advice))
}

func (r *reader) config(doc document) Config {
	var c Config
	for _, b := range doc.Receivers {
		if slices.Contains(r.known, b.Name) {
			r.refuse(b.At, `The receiver "`+b.Name+`" is already declared`, "", "Remove one of the two blocks, or rename it.")
			continue
		}
		r.known = append(r.known, b.Name)
		c.Receivers = append(c.Receivers, r.receiver(b))
	}
	if !slices.Contains(r.known, Log) { // so that a rule can name it without a block
		r.known = append(r.known, Log)
		c.Receivers = append(c.Receivers, Receiver{Name: Log, Kind: Log})
	}
	common := Setting{Repeat: defaultRepeat, Receivers: []string{Log}}
	if len(doc.Defaults) > 1 {
		r.refuse(doc.Defaults[1].At, "Second defaults block", "A file has one.", "Merge the two.")
	}
	for _, b := range doc.Defaults[:min(1, len(doc.Defaults))] {
		common.Repeat = r.duration(b.Repeat, common.Repeat, `"repeat"`)
		common.Receivers = r.receivers(b.Receivers, common.Receivers)
	}
	given := map[string]ruleBlock{}
	names := ruleNames()
	for _, b := range doc.Rules {
		switch _, twice := given[b.Name]; {
		case !slices.Contains(names, b.Name):
			r.refuse(b.At, `There is no rule "`+b.Name+`"`, "The rules are built in.", diag.DidYouMean(b.Name, names))
			continue
		case twice:
			r.refuse(b.At, `The rule "`+b.Name+`" is already configured`, "", "Merge the two blocks.")
			continue
		}
		given[b.Name] = b
	}
	for _, rule := range Rules() {
		setting := common
		setting.Rule = rule
		if b, ok := given[rule.Name]; ok {
			r.rule(&setting, b)
			if b.Enabled != nil && !*b.Enabled {
				continue
			}
		}
		c.Rules = append(c.Rules, setting)
	}
	return c
}

func ruleNames() (names []string) {
	for _, rule := range Rules() {
		names = append(names, rule.Name)
	}
	return names
}

func (r *reader) rule(s *Setting, b ruleBlock) {
	if given(b.Threshold) {
		at := b.Threshold.Range()
		if s.Unit == "" {
			r.refuse(at, `The rule "`+s.Name+`" has no threshold`, s.Doc, "Remove the argument.")
		} else if err := r.decode(b.Threshold, &s.Threshold); err == nil && s.Threshold < 0 {
			r.refuse(at, "Negative threshold", "", "Write a number from 0, in "+s.Unit+".")
		}
	}
	s.For = r.duration(b.For, s.For, `"for"`)
	s.Repeat = r.duration(b.Repeat, s.Repeat, `"repeat"`)
	if given(b.Severity) {
		if err := r.decode(b.Severity, &s.Severity); err == nil && !slices.Contains(Severities(), s.Severity) {
			r.refuse(b.Severity.Range(), `There is no severity "`+s.Severity+`"`, "", diag.DidYouMean(s.Severity, Severities()))
		}
	}
	s.Receivers = r.receivers(b.Receivers, s.Receivers)
}

// given reports whether an optional argument is written.
func given(e hcl.Expression) bool {
	if e == nil {
		return false
	}
	v, diags := e.Value(nil)
	return diags.HasErrors() || !v.IsNull()
}

// decode reads a value, and reports an error at its place.
func (r *reader) decode(e hcl.Expression, into any) error {
	diags := gohcl.DecodeExpression(e, nil, into)
	r.diags = append(r.diags, diags...)
	if diags.HasErrors() {
		return diags
	}
	return nil
}

func (r *reader) duration(e hcl.Expression, fallback time.Duration, name string) time.Duration {
	if !given(e) {
		return fallback
	}
	var text string
	if r.decode(e, &text) != nil {
		return fallback
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		r.refuse(e.Range(), `"`+text+`" is not a duration`, name+" is a time such as \"90s\", \"5m\" or \"4h\".", `Write a number with a unit: ms, s, m or h.`)
		return fallback
	}
	return d
}

func (r *reader) receivers(e hcl.Expression, fallback []string) []string {
	if !given(e) {
		return fallback
	}
	var names []string
	if r.decode(e, &names) != nil {
		return fallback
	}
	for _, name := range names {
		if !slices.Contains(r.known, name) {
			r.refuse(e.Range(), `There is no receiver "`+name+`"`, "", diag.DidYouMean(name, r.known))
		}
	}
	return names
}

func (r *reader) receiver(b receiverBlock) Receiver {
	out := Receiver{Name: b.Name}
	if n := len(b.Webhook) + len(b.Slack) + len(b.Log); n != 1 {
		r.refuse(b.At, `The receiver "`+b.Name+`" needs one of webhook, slack and log`, "", "Write one block, for instance `webhook { url_env = \"ALERT_URL\" }`.")
		return out
	}
	switch {
	case len(b.Log) == 1:
		out.Kind = Log
	case len(b.Webhook) == 1:
		out.Kind, out.URL = Webhook, r.target(b.Webhook[0])
	default:
		out.Kind, out.URL = Slack, r.target(b.Slack[0])
	}
	return out
}

// target returns the URL of a receiver. No diagnostic shows it.
func (r *reader) target(b targetBlock) string {
	var text, from string
	n := 0
	if b.URL != nil {
		n, text, from = n+1, *b.URL, `"url"`
	}
	if b.URLEnv != nil {
		value, ok := r.from.Env(*b.URLEnv)
		if n, text, from = n+1, value, "the environment variable "+*b.URLEnv; !ok {
			r.refuse(b.At, "The environment variable "+*b.URLEnv+" is not set", "The receiver's URL comes from it.", "Set it where the dispatcher runs.")
			return ""
		}
	}
	if b.URLFile != nil {
		content, err := r.from.File(*b.URLFile)
		if n, text, from = n+1, strings.TrimSpace(string(content)), "the file "+*b.URLFile; err != nil {
			r.refuse(b.At, "The file "+*b.URLFile+" can't be read", "The receiver's URL comes from it.", "Create it with the URL as its only line.")
			return ""
		}
	}
	if n != 1 {
		r.refuse(b.At, "A receiver needs one URL", "", "Write one of url, url_env and url_file. A URL with a token in it is best kept in a file or in the environment.")
		return ""
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		r.refuse(b.At, "The receiver's URL is not one of http or https", "It comes from "+from+".", "Write https://host/path.")
		return ""
	}
	return text
}
