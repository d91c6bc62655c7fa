package api

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/emprops/machinectl/client"
	"github.com/emprops/machinectl/dispatcher/access"
	"github.com/emprops/machinectl/dispatcher/api/wire"
	"github.com/emprops/machinectl/dispatcher/webhook"
	"github.com/emprops/machinectl/queue"
)

// defaultOverlap is how long the former secrets sign beside a new one, unless the request states it.
const defaultOverlap = 24 * time.Hour

// webhooks returns the sender of webhooks, or an error if this dispatcher has none.
func (s *Server) webhooks() (*webhook.Sender, error) {
	if s.o.Webhooks == nil {
		return nil, refuse(http.StatusServiceUnavailable, codeUnavailable, "", "this dispatcher sends no webhooks")
	}
	return s.o.Webhooks, nil
}

// checkWebhook refuses a submission's webhook that would never be delivered. place is the submission's in a batch, "jobs[3].".
func (s *Server) checkWebhook(ctx context.Context, place string, j *client.Submission) error {
	if j.Webhook == "" {
		return nil
	}
	sender, err := s.webhooks()
	if err != nil {
		return err
	}
	problem, err := sender.Refuse(ctx, j.Webhook, j.Tenant)
	if err == nil && problem != "" {
		err = invalid(place+"webhook", "%s", problem)
	}
	return err
}

// ListDeliveries implements [wire.StrictServerInterface].
func (s *Server) ListDeliveries(ctx context.Context, r wire.ListDeliveriesRequestObject) (wire.ListDeliveriesResponseObject, error) {
	sender, err := s.webhooks()
	if err != nil {
		return nil, err
	}
	if access.FromContext(ctx).Tenant != "" { // another tenant's job doesn't exist
		if _, err := s.o.Queue.Get(ctx, r.ID); err != nil {
			return nil, err
		}
	}
	all, err := sender.Deliveries(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	return wire.ListDeliveries200JSONResponse{Deliveries: some(views(all, deliveryView))}, nil
}

// ListUndelivered implements [wire.StrictServerInterface].
func (s *Server) ListUndelivered(ctx context.Context, r wire.ListUndeliveredRequestObject) (wire.ListUndeliveredResponseObject, error) {
	sender, err := s.webhooks()
	if err != nil {
		return nil, err
	}
	limit := 50
	if r.Params.Limit != nil {
		limit = *r.Params.Limit
	}
	all, err := sender.GivenUp(ctx, limit)
	if err != nil {
		return nil, err
	}
	return wire.ListUndelivered200JSONResponse{Deliveries: some(views(all, deliveryView))}, nil
}

// Redeliver implements [wire.StrictServerInterface]. While an attempt is under way it is a conflict.
func (s *Server) Redeliver(ctx context.Context, r wire.RedeliverRequestObject) (wire.RedeliverResponseObject, error) {
	sender, err := s.webhooks()
	if err != nil {
		return nil, err
	}
	d, err := sender.Redeliver(ctx, r.Event)
	var busy *queue.InvalidError
	if errors.As(err, &busy) {
		return nil, refuse(http.StatusConflict, codeConflict, busy.Field, "%s", busy.Problem)
	}
	if err != nil {
		return nil, err
	}
	access.Change(ctx, nil, deliveryView(d))
	return wire.Redeliver200JSONResponse(deliveryView(d)), nil
}

// ListEndpoints implements [wire.StrictServerInterface].
func (s *Server) ListEndpoints(ctx context.Context, _ wire.ListEndpointsRequestObject) (wire.ListEndpointsResponseObject, error) {
	list, err := s.endpoints(ctx)
	return wire.ListEndpoints200JSONResponse(list), err
}

// EnableEndpoint implements [wire.StrictServerInterface].
func (s *Server) EnableEndpoint(ctx context.Context, r wire.EnableEndpointRequestObject) (wire.EnableEndpointResponseObject, error) {
	sender, err := s.webhooks()
	if err != nil {
		return nil, err
	}
	access.Change(ctx, nil, map[string]string{"endpoint": withoutQuery(r.Body.URL)})
	if err := sender.Enable(ctx, r.Body.URL); err != nil {
		return nil, err
	}
	list, err := s.endpoints(ctx)
	return wire.EnableEndpoint200JSONResponse(list), err
}

func (s *Server) endpoints(ctx context.Context) (client.EndpointList, error) {
	sender, err := s.webhooks()
	if err != nil {
		return client.EndpointList{}, err
	}
	all, err := sender.Disabled(ctx)
	return client.EndpointList{Endpoints: some(views(all, endpointView))}, err
}

// ListWebhookSecrets implements [wire.StrictServerInterface].
func (s *Server) ListWebhookSecrets(ctx context.Context, _ wire.ListWebhookSecretsRequestObject) (wire.ListWebhookSecretsResponseObject, error) {
	list, err := s.webhookSecrets(ctx)
	return wire.ListWebhookSecrets200JSONResponse(list), err
}

// CreateWebhookSecret implements [wire.StrictServerInterface].
func (s *Server) CreateWebhookSecret(ctx context.Context, r wire.CreateWebhookSecretRequestObject) (wire.CreateWebhookSecretResponseObject, error) {
	sender, err := s.webhooks()
	if err != nil {
		return nil, err
	}
	if !r.Body.Rotate && r.Body.Overlap != nil {
		return nil, invalid("overlap", "is for a rotation: set rotate, too")
	}
	create := sender.Secrets().Create
	if r.Body.Rotate {
		overlap := defaultOverlap
		if r.Body.Overlap != nil {
			overlap = r.Body.Overlap.D()
		}
		create = func(ctx context.Context, tenant string) (*webhook.Secret, error) {
			return sender.Secrets().Rotate(ctx, tenant, overlap)
		}
	}
	made, err := create(ctx, r.Body.Tenant)
	if err != nil {
		return nil, err
	}
	access.Target(ctx, made.ID)
	access.Change(ctx, nil, map[string]any{"id": made.ID, "tenant": made.Tenant, "rotated": r.Body.Rotate})
	return wire.CreateWebhookSecret201JSONResponse(secretView(made)), nil
}

// RevokeWebhookSecret implements [wire.StrictServerInterface].
func (s *Server) RevokeWebhookSecret(ctx context.Context, r wire.RevokeWebhookSecretRequestObject) (wire.RevokeWebhookSecretResponseObject, error) {
	sender, err := s.webhooks()
	if err != nil {
		return nil, err
	}
	if err := sender.Secrets().Revoke(ctx, r.ID); err != nil {
		return nil, err
	}
	access.Change(ctx, map[string]string{"id": r.ID}, nil)
	list, err := s.webhookSecrets(ctx)
	return wire.RevokeWebhookSecret200JSONResponse(list), err
}

func (s *Server) webhookSecrets(ctx context.Context) (client.WebhookSecretList, error) {
	sender, err := s.webhooks()
	if err != nil {
		return client.WebhookSecretList{}, err
	}
	all, err := sender.Secrets().List(ctx)
	return client.WebhookSecretList{Secrets: some(views(all, secretView))}, err
}

func deliveryView(d *queue.Delivery) client.Delivery {
	return client.Delivery{
		Event: d.Event, JobID: d.JobID, State: client.State(d.State), EndedAt: d.EndedAt, Class: d.Class, Tenant: d.Tenant, URL: d.URL,
		Status: client.DeliveryStatus(d.Status), Reason: d.Reason, Attempts: d.Attempts, NextAt: d.NextAt,
		History: some(views(d.History, func(a *queue.DeliveryAttempt) client.DeliveryAttempt {
			return client.DeliveryAttempt{At: a.At, Ms: a.Millis, Status: a.Status, Problem: a.Problem}
		})),
	}
}

func endpointView(e *queue.DisabledEndpoint) client.Endpoint {
	return client.Endpoint{URL: e.URL, Since: &e.Since}
}

func secretView(s *webhook.Secret) client.WebhookSecret {
	return client.WebhookSecret{ID: s.ID, Tenant: s.Tenant, Secret: s.Secret, CreatedAt: s.CreatedAt, ExpiresAt: s.ExpiresAt}
}

// withoutQuery is a URL for the audit log, without what may be a secret in it.
func withoutQuery(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return "(not a URL)"
	}
	u.RawQuery, u.User, u.Fragment = "", nil, ""
	return u.String()
}
