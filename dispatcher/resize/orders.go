package resize

import (
	"fmt"
	"maps"
	"time"

	"github.com/emprops/machinectl/dispatcher/scaler"
	"github.com/emprops/machinectl/hcl/timetext"
	"github.com/emprops/machinectl/queue"
)

// OrderView is an operator's order about a pool.
type OrderView struct {
	Count  int        `json:"count,omitempty"` // of machines
	Reason string     `json:"reason"`
	Until  *time.Time `json:"until,omitempty"` // absent: until it is withdrawn
}

// inForce returns the orders that have not run out.
func inForce(orders map[string]queue.PoolOrder, now time.Time) map[string]queue.PoolOrder {
	out := maps.Clone(orders)
	maps.DeleteFunc(out, func(_ string, o queue.PoolOrder) bool { return o.Until != nil && !now.Before(*o.Until) })
	return out
}

// order returns the order of a kind that is in force, or nil.
func (p *pool) order(kind string) *OrderView {
	o, ok := p.orders[kind]
	if !ok {
		return nil
	}
	return &OrderView{Count: o.Count, Reason: o.Reason, Until: o.Until}
}

func (p *pool) manual() *scaler.Manual {
	o := p.order(queue.OrderCount)
	if o == nil {
		return nil
	}
	return &scaler.Manual{Count: o.Count, Text: fmt.Sprintf("%d machines%s", o.Count, o.because())}
}

// held explains why the pool is paused, and returns "" if it isn't.
func (p *pool) held() string {
	o := p.order(queue.OrderPause)
	if o == nil {
		return ""
	}
	return o.Reason + o.until()
}

func (o *OrderView) because() string { return o.until() + ": " + o.Reason }

func (o *OrderView) until() string {
	if o.Until == nil {
		return ""
	}
	return " until " + timetext.Moment(*o.Until)
}
