package api

import (
	"context"
	"maps"
	"slices"

	"github.com/emprops/machinectl/client"
	"github.com/emprops/machinectl/dispatcher/alert"
	"github.com/emprops/machinectl/dispatcher/api/wire"
)

// ListAlerts implements [wire.StrictServerInterface].
func (s *Server) ListAlerts(ctx context.Context, _ wire.ListAlertsRequestObject) (wire.ListAlertsResponseObject, error) {
	doc, err := s.o.Alerts(ctx)
	if err != nil {
		return nil, err
	}
	out := client.AlertList{Alerts: some(views(doc.Alerts, alertView)), Dropped: doc.Dropped}
	if !doc.At.IsZero() {
		out.JudgedAt = &doc.At
	}
	return wire.ListAlerts200JSONResponse(out), nil
}

func alertView(a *alert.Alert) client.Alert {
	v := client.Alert{
		Rule: a.Rule, Subject: a.Subject, Severity: client.AlertSeverity(a.Severity), State: client.AlertState(a.State), Text: a.Text, Value: a.Value,
		Since: a.Since, FiredAt: a.FiredAt, ResolvedAt: a.ResolvedAt, Receivers: []client.AlertReceiver{},
	}
	for _, name := range slices.Sorted(maps.Keys(a.Told)) {
		t := a.Told[name]
		v.Receivers = append(v.Receivers, client.AlertReceiver{Name: name, Told: client.AlertReceiverTold(t.State), At: t.At, FailedTries: t.Tries, Error: t.Error})
	}
	return v
}
