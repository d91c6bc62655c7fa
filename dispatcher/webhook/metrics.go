package webhook

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	attempts   *prometheus.CounterVec
	deliveries *prometheus.CounterVec
	seconds    prometheus.Histogram
	delay      prometheus.Histogram
	inFlight   prometheus.Gauge
}

func newMetrics(r *prometheus.Registry) *metrics {
	m := &metrics{
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "machinectl_webhook_attempts_total", Help: "Requests to webhook receivers, by outcome: delivered, refused (an answer other than 2xx), gone (410), unanswered.",
		}, []string{"outcome"}),
		deliveries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "machinectl_webhook_deliveries_total", Help: "Announcements of jobs' ends that are over, by result: delivered, given_up.",
		}, []string{"result"}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "machinectl_webhook_attempt_seconds", Help: "Duration of requests to webhook receivers.",
			Buckets: []float64{.01, .05, .1, .25, .5, 1, 2.5, 5, 10, 15},
		}),
		delay: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "machinectl_webhook_delay_seconds", Help: "Time from a job's end until its webhook was delivered.",
			Buckets: []float64{.5, 1, 2, 5, 10, 60, 600, 3600, 6 * 3600, 86400, 3 * 86400},
		}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{Name: "machinectl_webhook_in_flight", Help: "Requests to webhook receivers that are under way."}),
	}
	r.MustRegister(m.attempts, m.deliveries, m.seconds, m.delay, m.inFlight)
	for _, outcome := range []string{"delivered", "refused", "gone", "unanswered"} {
		m.attempts.WithLabelValues(outcome)
	}
	for _, result := range []string{"delivered", "given_up"} {
		m.deliveries.WithLabelValues(result)
	}
	return m
}

func (m *metrics) attempted(a answer, took time.Duration) {
	outcome := "refused"
	switch {
	case a.problem == "":
		outcome = "delivered"
	case a.gone():
		outcome = "gone"
	case a.status == 0:
		outcome = "unanswered"
	}
	m.attempts.WithLabelValues(outcome).Inc()
	m.seconds.Observe(took.Seconds())
}

func (m *metrics) ended(result string, since time.Time) {
	m.deliveries.WithLabelValues(result).Inc()
	if result == "delivered" {
		m.delay.Observe(time.Since(since).Seconds())
	}
}
