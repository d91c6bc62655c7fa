package api

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/emprops/machinectl/dispatcher/alert"
	"github.com/emprops/machinectl/queue"
)

// maxSeries bounds the classes and types with gauges of their own: those with the most jobs. The others are summed as "other".
const maxSeries = 50

// metrics are the dispatcher's Prometheus metrics. Demand and pools are read when scraped.
type metrics struct {
	registry  *prometheus.Registry
	queue     Queue
	pools     Pools
	situation func() Situation
	alerts    func(context.Context) (alert.Document, error)
	log       *slog.Logger

	requests  *prometheus.HistogramVec
	jobs      *prometheus.Desc
	classes   *prometheus.Desc
	age       *prometheus.Desc
	machines  *prometheus.Desc
	up        *prometheus.Desc
	leads     *prometheus.Desc
	unwatched *prometheus.Desc
	firing    *prometheus.Desc
}

func newMetrics(r *prometheus.Registry, o Options) (*metrics, error) {
	m := &metrics{
		registry: r, queue: o.Queue, pools: o.Pools, situation: o.Situation, alerts: o.Alerts, log: o.Logger,
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "machinectl_http_request_duration_seconds", Help: "Time until a request was answered, by route template.",
			Buckets: prometheus.ExponentialBuckets(0.001, 4, 8),
		}, []string{"method", "route", "code"}),
		jobs:      prometheus.NewDesc("machinectl_jobs", "Jobs that have not ended, by type and state.", []string{"type", "state"}, nil),
		classes:   prometheus.NewDesc("machinectl_class_jobs", "Jobs of the fullest classes, by state; the others together are \"other\".", []string{"class", "state"}, nil),
		age:       prometheus.NewDesc("machinectl_oldest_wait_seconds", "Age of the longest waiting job.", nil, nil),
		machines:  prometheus.NewDesc("machinectl_pool_machines", "Machines of a pool; state asked counts those requested from Nomad.", []string{"pool", "state"}, nil),
		leads:     prometheus.NewDesc("machinectl_leads", "1 if this dispatcher is the one that resizes pools.", nil, nil),
		firing:    prometheus.NewDesc("machinectl_alerts_firing", "Firing alerts, by rule and severity; every dispatcher on a Redis shows the same.", []string{"rule", "severity"}, nil),
		unwatched: prometheus.NewDesc("machinectl_unwatched_pools", "Pools in a namespace that no dispatcher resizes.", []string{"region", "namespace"}, nil),
		up:        prometheus.NewDesc("machinectl_up", "1 if the dispatcher can reach the backend.", []string{"backend"}, nil),
	}
	return m, errors.Join(r.Register(m.requests), r.Register(m))
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: 4})
}

func (m *metrics) request(method, route string, status int, took time.Duration) {
	m.requests.WithLabelValues(methodLabel(method), route, strconv.Itoa(status)).Observe(took.Seconds())
}

func methodLabel(method string) string {
	switch method {
	case http.MethodGet, http.MethodPost, http.MethodHead, http.MethodPut, http.MethodDelete, http.MethodOptions, http.MethodPatch:
		return method
	default:
		return "other"
	}
}

// Describe implements [prometheus.Collector].
func (m *metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.jobs, m.classes, m.age, m.machines, m.up, m.leads, m.unwatched, m.firing} {
		ch <- d
	}
}

// Collect implements [prometheus.Collector].
func (m *metrics) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	demand, err := m.queue.Demand(ctx)
	gauge(m.up, ok(err), "redis")
	gauge(m.up, ok(m.pools.Health()), "nomad")
	if err != nil {
		m.log.Warn("cannot read the demand for metrics", "error", err)
	} else {
		m.collectDemand(demand, gauge)
	}
	gauge(m.leads, map[bool]float64{true: 1}[m.pools.Leads()])
	for _, n := range m.situation().Unwatched {
		gauge(m.unwatched, float64(len(n.Pools)), n.Region, n.Namespace)
	}
	m.collectAlerts(ctx, gauge)
	for _, p := range m.pools.Pools(ctx) {
		for state, n := range map[string]int{"asked": p.Asked, "ready": p.Ready, "starting": p.Starting, "draining": p.Draining, "busy": p.Busy, "failed": p.Failed} {
			gauge(m.machines, float64(n), p.Pool, state)
		}
	}
}

func (m *metrics) collectAlerts(ctx context.Context, gauge func(*prometheus.Desc, float64, ...string)) {
	doc, err := m.alerts(ctx)
	if err != nil {
		return // machinectl_up shows that Redis can't be read
	}
	firing := map[[2]string]int{}
	for _, a := range doc.Alerts {
		if a.State == alert.Firing {
			firing[[2]string{a.Rule, a.Severity}]++
		}
	}
	for labels, n := range firing {
		gauge(m.firing, float64(n), labels[0], labels[1])
	}
}

func (m *metrics) collectDemand(demand []queue.ClassDemand, gauge func(*prometheus.Desc, float64, ...string)) {
	var oldest time.Duration
	types, classes := map[string][3]int64{}, map[string][3]int64{}
	for _, d := range demand {
		add(types, d.Type, d)
		add(classes, d.Class, d)
		oldest = max(oldest, d.OldestAge)
	}
	for desc, table := range map[*prometheus.Desc]map[string][3]int64{m.jobs: types, m.classes: classes} {
		for _, row := range fullest(table) {
			for i, state := range []queue.State{queue.Waiting, queue.Delayed, queue.Running} {
				gauge(desc, float64(row.jobs[i]), row.name, string(state))
			}
		}
	}
	gauge(m.age, oldest.Seconds())
}

type row struct {
	name string
	jobs [3]int64 // waiting, delayed, running
}

func add(table map[string][3]int64, name string, d queue.ClassDemand) {
	sum := table[name]
	sum[0] += d.Waiting
	sum[1] += d.Delayed
	sum[2] += d.Running
	table[name] = sum
}

// fullest returns the rows with the most jobs, and one row "other" for the rest.
func fullest(table map[string][3]int64) []row {
	rows := make([]row, 0, len(table))
	for name, jobs := range table {
		rows = append(rows, row{name, jobs})
	}
	slices.SortFunc(rows, func(a, b row) int {
		return cmp.Or(cmp.Compare(b.jobs[0]+b.jobs[2], a.jobs[0]+a.jobs[2]), cmp.Compare(a.name, b.name))
	})
	if len(rows) <= maxSeries {
		return rows
	}
	other := row{name: "other"}
	for _, r := range rows[maxSeries:] {
		for i, n := range r.jobs {
			other.jobs[i] += n
		}
	}
	return append(rows[:maxSeries], other)
}

func ok(err error) float64 {
	if err != nil {
		return 0
	}
	return 1
}
