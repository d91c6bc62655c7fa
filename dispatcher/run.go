package dispatcher

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/nomad/api"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"golang.org/x/sync/errgroup"

	"github.com/emprops/machinectl/dispatcher/alert"
	httpapi "github.com/emprops/machinectl/dispatcher/api"
	"github.com/emprops/machinectl/dispatcher/fleet"
	"github.com/emprops/machinectl/dispatcher/resize"
	"github.com/emprops/machinectl/dispatcher/scaler"
	"github.com/emprops/machinectl/queue"
)

// Run runs the dispatcher until ctx ends. It returns nil after an orderly stop.
func Run(ctx context.Context, o Options) (err error) {
	if o, err = o.withDefaults(); err != nil {
		return err
	}
	root, err := o.blobRoot()
	if err != nil {
		return err
	}
	config := api.DefaultConfig()
	config.Address = cmp.Or(o.NomadAddr, config.Address)
	where := fleet.Where{Namespaces: o.Namespaces, Regions: o.Regions}
	if len(where.Regions) == 0 && config.Region != "" {
		where.Regions = []string{config.Region}
	}
	beside, err := queue.Connect(o.queueOptions()) // for what is kept beside the queue
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, beside.Close()) }()
	d, err := o.openDoor(beside)
	if err != nil {
		return err
	}
	nomad, err := api.NewClient(config)
	if err != nil {
		return fmt.Errorf("the Nomad client: %w", err)
	}
	defer nomad.Close()
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	q := &link{}
	candidate := newLeader(q, o.Term, o.Logger)
	pools := fleet.New(nomad, where, o.Logger)
	watch := &survey{everywhere: pools.Everywhere, home: pools.Home, candidate: candidate, every: o.Survey, log: o.Logger}
	loop, err := resize.New(resize.Options{
		Queue: q, Fleet: pools, Lead: candidate.lead, Logger: o.Logger,
		Interval: min(o.Interval, o.Term/3), Deadline: candidate.deadline(), Decided: countDecisions(registry),
		Reported: len(o.Namespaces) == 0,
	})
	if err != nil {
		return err
	}
	sender, err := o.webhooks(q, registry)
	if err != nil {
		return err
	}
	alerts := alert.NewStore(beside, o.Prefix)
	judge := alert.NewRunner(alert.Options{
		Config: o.alerts(), Store: alerts, Facts: (&facts{q, loop, watch}).read, Lead: candidate.judges, Every: min(alertsEvery, o.Survey), Logger: o.Logger,
	})
	server, err := httpapi.New(httpapi.Options{
		Listen: o.Listen, Queue: q, Pools: loop, Webhooks: sender, Situation: watch.situation, Alerts: alerts.Read, BlobRoot: root, Registry: registry, Logger: o.Logger,
		Access: d.access, Certificate: d.certificate, OpenMetrics: o.OpenMetrics, Hosts: o.Hosts, TrustedProxies: o.TrustedProxies,
	})
	if err != nil {
		return err
	}
	if err := candidate.introduce(server.Addr(), where); err != nil {
		return err
	}
	err = serve(ctx, o, q, []func(context.Context){loop.Run, watch.run, judge.Run, sender.Run}, loop.Kick, server)
	return errors.Join(err, candidate.resign(context.WithoutCancel(ctx)), q.close())
}

// serve runs everything until ctx ends and returns when all of it has ended. opened is called once the queue is open.
func serve(ctx context.Context, o Options, q *link, background []func(context.Context), opened func(), server *httpapi.Server) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		err := q.open(ctx, o.queueOptions(), o.Logger)
		if err != nil && ctx.Err() == nil {
			return err
		}
		opened()
		return nil // also when stopped before Redis could be reached
	})
	loops, endLoops := context.WithCancel(context.WithoutCancel(ctx))
	defer endLoops()
	group.Go(func() error { reap(loops, q, o.Reap, o.Logger); return nil })
	for _, run := range background {
		group.Go(func() error { run(loops); return nil })
	}
	server.Start()
	o.Logger.Info("dispatcher started", "addr", server.Addr())
	o.Ready(server.Addr())
	group.Go(func() error {
		defer endLoops()
		select {
		case <-server.Done():
			return errors.Join(errors.New("the API has ended"), server.Err())
		case <-ctx.Done():
		}
		o.Logger.Info("stopping")
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), o.Grace)
		defer cancel()
		return server.Stop(grace)
	})
	return group.Wait()
}

func (o Options) queueOptions() queue.Options {
	return queue.Options{URL: o.Redis, Logger: o.Logger, Prefix: o.Prefix, Lease: o.Lease}
}

// countDecisions returns the resize loop's observer that counts decisions by direction and rule.
func countDecisions(r *prometheus.Registry) func(scaler.Decision) {
	decisions := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "machinectl_resize_decisions_total", Help: "Decisions of the resize loop that differ from the one before, by direction and deciding rule.",
	}, []string{"direction", "rule"})
	r.MustRegister(decisions)
	return func(d scaler.Decision) {
		direction := "hold"
		switch {
		case d.Count > d.From:
			direction = "up"
		case d.Count < d.From:
			direction = "down"
		}
		decisions.WithLabelValues(direction, string(d.Reasons[len(d.Reasons)-1].Code)).Inc()
	}
}
