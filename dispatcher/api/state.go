package api

import (
	"context"
	"net/http"

	"github.com/emprops/machinectl/client"
	"github.com/emprops/machinectl/dispatcher/api/wire"
)

// served is an answer that is written with the request at hand: the generated types can't stream or serve ranges.
type served func(w http.ResponseWriter) error

// VisitOpenapiResponse implements [wire.OpenapiResponseObject].
func (f served) VisitOpenapiResponse(w http.ResponseWriter) error { return f(w) }

// VisitMetricsResponse implements [wire.MetricsResponseObject].
func (f served) VisitMetricsResponse(w http.ResponseWriter) error { return f(w) }

// VisitJobBlobResponse implements [wire.JobBlobResponseObject].
func (f served) VisitJobBlobResponse(w http.ResponseWriter) error { return f(w) }

// VisitJobEventsResponse implements [wire.JobEventsResponseObject].
func (f served) VisitJobEventsResponse(w http.ResponseWriter) error { return f(w) }

// Openapi implements [wire.StrictServerInterface].
func (s *Server) Openapi(context.Context, wire.OpenapiRequestObject) (wire.OpenapiResponseObject, error) {
	return served(func(w http.ResponseWriter) error {
		w.Header().Set("Content-Type", "application/json")
		_, err := w.Write(s.document.json)
		return err
	}), nil
}

// Metrics implements [wire.StrictServerInterface].
func (s *Server) Metrics(ctx context.Context, _ wire.MetricsRequestObject) (wire.MetricsResponseObject, error) {
	return served(func(w http.ResponseWriter) error {
		s.metrics.handler().ServeHTTP(w, requestOf(ctx))
		return nil
	}), nil
}

// Healthz implements [wire.StrictServerInterface]: the process serves requests.
func (s *Server) Healthz(context.Context, wire.HealthzRequestObject) (wire.HealthzResponseObject, error) {
	return wire.Healthz200JSONResponse{Status: "ok"}, nil
}

// Readyz implements [wire.StrictServerInterface]. Ready means that jobs are accepted. Without Nomad they still are, but no pool is
// resized.
func (s *Server) Readyz(ctx context.Context, _ wire.ReadyzRequestObject) (wire.ReadyzResponseObject, error) {
	r := client.Readiness{Redis: checkOf(s.o.Queue.Ping(ctx)), Nomad: checkOf(s.o.Pools.Health()), Leads: s.o.Pools.Leads()}
	r.Ready = r.Redis.OK
	if !r.Ready {
		return wire.Readyz503JSONResponse{Body: r, Headers: wire.Readyz503ResponseHeaders{RetryAfter: 2}}, nil
	}
	return wire.Readyz200JSONResponse(r), nil
}

func checkOf(err error) client.Check {
	if err != nil {
		return client.Check{Reason: err.Error()}
	}
	return client.Check{OK: true}
}
