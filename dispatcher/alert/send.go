package alert

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/emprops/machinectl/hcl/alertfile"
	"github.com/emprops/machinectl/hcl/timetext"
	"github.com/emprops/machinectl/nettext"
)

// sendTimeout bounds one message to one receiver.
const sendTimeout = 10 * time.Second

// sender tells receivers.
type sender struct {
	http *http.Client
	log  *slog.Logger
}

func newSender(log *slog.Logger) *sender {
	return &sender{log: log, http: &http.Client{
		Timeout:       sendTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func (s *sender) close() { s.http.CloseIdleConnections() }

// send tells a receiver of an alert. An error never shows the receiver's URL, which may hold a token.
func (s *sender) send(ctx context.Context, m message) error {
	if m.receiver.Kind == alertfile.Log {
		s.record(m.alert)
		return nil
	}
	body := m.alert.payload()
	if m.receiver.Kind == alertfile.Slack {
		body = map[string]string{"text": m.alert.headline()}
	}
	text, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("writing the message: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, m.receiver.URL, bytes.NewReader(text))
	if err != nil {
		return errors.New("the receiver's URL can't be used")
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "machine-dispatcher")
	answer, err := s.http.Do(r)
	if err != nil {
		return errors.New("the receiver does not answer: " + nettext.Reason(err))
	}
	_, _ = io.CopyN(io.Discard, answer.Body, 64<<10) // so that the connection can be used again
	_ = answer.Body.Close()
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		return fmt.Errorf("the receiver answered with status %d", answer.StatusCode)
	}
	return nil
}

func (s *sender) record(a Alert) {
	level, text := slog.LevelWarn, "alert firing"
	if a.State == Resolved {
		level, text = slog.LevelInfo, "alert resolved"
	}
	s.log.Log(context.Background(), level, text, "rule", a.Rule, "subject", a.Subject, "severity", a.Severity, "text", a.Text)
}

// payload is the body of a webhook.
func (a Alert) payload() any {
	return struct {
		Version    int        `json:"version"` // of this form
		Rule       string     `json:"rule"`
		Subject    string     `json:"subject"`
		Severity   string     `json:"severity"`
		State      string     `json:"state"`
		Text       string     `json:"text"`
		Value      float64    `json:"value,omitempty"`
		Since      time.Time  `json:"since"`
		ResolvedAt *time.Time `json:"resolved_at,omitempty"`
	}{1, a.Rule, a.Subject, a.Severity, a.State, a.Text, a.Value, a.Since, a.ResolvedAt}
}

// slackEscapes are what Slack's text wants escaped: nothing in a text of ours is meant as its markup.
var slackEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;") //nolint:gochecknoglobals // immutable

// headline is an alert in one line of Slack's text.
func (a Alert) headline() string {
	if a.State == Resolved {
		return slackEscapes.Replace(fmt.Sprintf("Resolved: %s, %s (after %s)", a.Rule, a.Subject, timetext.Duration(a.ResolvedAt.Sub(a.Since).Round(time.Second))))
	}
	return slackEscapes.Replace(fmt.Sprintf("%s: %s, %s: %s", strings.ToUpper(a.Severity), a.Rule, a.Subject, a.Text))
}
