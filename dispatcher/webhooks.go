package dispatcher

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/emprops/machinectl/dispatcher/webhook"
	"github.com/emprops/machinectl/netguard"
)

// webhooks returns the sender of webhooks. Every dispatcher runs one.
func (o Options) webhooks(q *link, registry *prometheus.Registry) (*webhook.Sender, error) {
	return webhook.NewSender(webhook.Options{
		Queue: q.get, Guard: &netguard.Guard{Allow: o.WebhookAllow}, PublicURL: o.PublicURL, Registry: registry, Logger: o.Logger,
	}, webhook.NewSecrets(q.get))
}
