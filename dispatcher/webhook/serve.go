package webhook

import (
	"context"

	"github.com/emprops/machinectl/queue"
)

// Refuse returns why a tenant's job may not have a webhook, or "" if it may. Its host's addresses are judged again when it is
// called.
func (s *Sender) Refuse(ctx context.Context, webhook, tenant string) (string, error) {
	if problem := s.o.Guard.CheckURL(webhook); problem != "" {
		return problem, nil
	}
	keys, err := s.secrets.signing(ctx, tenant)
	if err != nil || len(keys) > 0 {
		return "", err
	}
	return "can't be signed, because there is no webhook secret: create one with POST /v1/webhooks/secrets", nil
}

// Secrets returns the secrets that sign.
func (s *Sender) Secrets() *Secrets { return s.secrets }

// Deliveries returns what became of the announcements of a job's ends.
func (s *Sender) Deliveries(ctx context.Context, jobID string) ([]queue.Delivery, error) {
	c, err := s.o.Queue()
	if err != nil {
		return nil, err
	}
	return c.Deliveries(ctx, jobID)
}

// GivenUp returns the latest deliveries that were given up.
func (s *Sender) GivenUp(ctx context.Context, limit int) ([]queue.Delivery, error) {
	c, err := s.o.Queue()
	if err != nil {
		return nil, err
	}
	return c.GivenUpDeliveries(ctx, limit)
}

// Redeliver delivers an announcement again, under the same event id.
func (s *Sender) Redeliver(ctx context.Context, event string) (*queue.Delivery, error) {
	c, err := s.o.Queue()
	if err != nil {
		return nil, err
	}
	return c.Redeliver(ctx, event)
}

// Disabled returns the endpoints that nothing is delivered to.
func (s *Sender) Disabled(ctx context.Context) ([]queue.DisabledEndpoint, error) {
	c, err := s.o.Queue()
	if err != nil {
		return nil, err
	}
	return c.DisabledEndpoints(ctx)
}

// Enable allows deliveries to an endpoint again. A query in its URL makes no difference.
func (s *Sender) Enable(ctx context.Context, endpoint string) error {
	c, err := s.o.Queue()
	if err != nil {
		return err
	}
	return c.EnableEndpoint(ctx, endpointOf(endpoint))
}
