package api

import (
	"github.com/emprops/machinectl/client"
	"github.com/emprops/machinectl/dispatcher/fleet"
	"github.com/emprops/machinectl/dispatcher/resize"
	"github.com/emprops/machinectl/dispatcher/scaler"
	"github.com/emprops/machinectl/queue"
)

func poolView(p *resize.PoolView) client.Pool {
	v := client.Pool{
		Pool: p.Pool, Region: p.Region, Namespace: p.Namespace, Name: p.Name, Project: p.Project, Machine: p.Machine, Min: p.Min, Max: p.Max, Asked: p.Asked,
		Ready: p.Ready, Starting: p.Starting, Draining: p.Draining, Busy: p.Busy, Failed: p.Failed,
		Status: client.PoolStatus(p.Status), Reason: p.Reason, ReadAt: p.ReadAt, Decisions: views(p.Decisions, decisionView),
		DecisionsUnknown: p.DecisionsUnknown,
	}
	v.Groups = some(views(p.Groups, func(g *resize.GroupView) client.Group {
		return client.Group{
			Group: g.Group, Revision: g.Revision, Wanted: g.Wanted, Asked: g.Asked, Target: g.Target, Ready: g.Ready,
			Draining: g.Draining, Kept: g.Kept,
		}
	}))
	v.Paused = views(p.Paused, func(t *resize.PausedType) client.PausedType {
		return client.PausedType{Type: t.Type, Reason: t.Reason}
	})
	v.Manual, v.Held = orderView(p.Manual), orderView(p.Held)
	if p.Decision != nil {
		d := decisionView(p.Decision)
		v.Decision = &d
	}
	return v
}

func decisionView(d *scaler.Decision) client.Decision {
	return client.Decision{
		Pool: d.Pool, At: d.At, From: d.From, Need: d.Need, Count: d.Count,
		Reasons: some(views(d.Reasons, func(r *scaler.Reason) client.Reason {
			return client.Reason{Code: client.ReasonCode(r.Code), Text: r.Text}
		})),
		Loads: views(d.Loads, func(l *scaler.Load) client.Load {
			return client.Load{Class: l.Class, Jobs: l.Jobs, Slots: l.Slots}
		}),
	}
}

func machineView(m *queue.Machine) client.Machine {
	v := client.Machine{
		ID: m.ID, Pool: m.Pool, Region: m.Region, Namespace: m.Namespace, Group: m.Group, Index: m.Index, Node: m.Node, Kind: m.Kind, Version: m.Version, Addr: m.Addr,
		Revision: m.Revision, State: client.MachineState(m.State), Reason: m.Reason, GPUNote: m.GPUNote, RSS: m.RSS,
		StartedAt: m.StartedAt, ReadyAt: m.ReadyAt, At: m.At,
		Workers: some(views(m.Workers, workerView)),
		Services: views(m.Services, func(s *queue.ServiceStatus) client.ServiceStatus {
			return client.ServiceStatus{Name: s.Name, Ready: s.Ready, Addr: s.Addr, Error: s.Error}
		}),
		GPUs: views(m.GPUs, gpuView),
	}
	if m.Drain != nil {
		v.Drain = &client.OperatorDrain{Reason: m.Drain.Reason, Until: m.Drain.Until}
	}
	return v
}

func workerView(w *queue.WorkerStatus) client.WorkerStatus {
	return client.WorkerStatus{
		Name: w.Name, State: client.WorkerStatusState(w.State), Reason: w.Reason, Concurrency: w.Concurrency, Jobs: w.Jobs,
		Offer: client.Offer{Type: w.Offer.Type, Flags: w.Offer.Flags, Attrs: w.Offer.Attrs}, Completed: w.Completed, Failed: w.Failed,
	}
}

func gpuView(g *queue.GPUStatus) client.GPUStatus {
	return client.GPUStatus{
		Index: g.Index, UUID: g.UUID, Model: g.Model, Driver: g.Driver, MemoryTotal: int64(g.MemoryTotal), MemoryUsed: int64(g.MemoryUsed),
		Use: g.Use, Temperature: g.Temperature, Power: g.Power, Healthy: g.Healthy, Reason: g.Reason,
	}
}

func pausingView(t *queue.TypeState) client.Pausing {
	return client.Pausing{Type: t.Type, Paused: t.Paused != "", Reason: t.Paused}
}

func statusView(s *Situation) client.Status {
	return client.Status{
		Dispatcher: s.Dispatcher, Leader: s.Leader, Conflict: s.Conflict, UnwatchedUnknown: s.UnwatchedUnknown,
		Unwatched: some(views(s.Unwatched, func(n *fleet.NamespacePools) client.NamespacePools {
			return client.NamespacePools{Region: n.Region, Namespace: n.Namespace, Pools: some(n.Pools)}
		})),
	}
}

func orderView(o *resize.OrderView) *client.PoolOrder {
	if o == nil {
		return nil
	}
	return &client.PoolOrder{Count: o.Count, Reason: o.Reason, Until: o.Until}
}
