package comfysim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"time"
)

// executor runs prompts one after the other, as ComfyUI's prompt_worker does.
type executor struct {
	o         Options
	known     map[string]class
	queue     *prompts
	sockets   *sockets
	files     *files
	interrupt atomic.Bool
	free      atomic.Bool // the cache should be emptied
	crash     func()

	count int // prompts begun
	// cache holds the results of the last prompt's nodes, by signature.
	cache map[string]made
}

// made is the result of a node: its outputs and, for an output node, what the client is sent.
type made struct {
	outputs []any
	ui      map[string]any
}

// The reasons why an execution ends early.
var (
	errInterrupted = errors.New("interrupted")
	errCrashed     = errors.New("crashed")
)

// exception is what a node raises.
type exception struct{ kind, message, tips string }

func (e *exception) Error() string { return e.kind + ": " + e.message }

// loop runs prompts until ctx ends.
func (x *executor) loop(ctx context.Context) {
	for {
		p := x.queue.take()
		if p != nil {
			x.count++
			e := &execution{executor: x, p: p, states: map[string]any{}, results: map[string]made{}}
			if !e.run(ctx) {
				return
			}
		}
		// A prompt that arrives together with a request to free memory may run first, with the old cache.
		if x.free.Swap(false) {
			x.cache = nil
		}
		if p != nil {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-x.queue.arrived:
		}
	}
}

// execution is one prompt being executed.
type execution struct {
	*executor
	p        *prompt
	messages []any
	states   map[string]any // of progress_state, by node
	results  map[string]made
	executed []string
}

// run executes the prompt and reports whether the server goes on.
func (e *execution) run(ctx context.Context) bool {
	e.interrupt.Store(false)
	e.note("execution_start", map[string]any{})
	order, err := e.order()
	signatures := e.signatures(order)
	cached := []string{}
	kept := map[string]made{}
	for _, id := range slices.Sorted(maps.Keys(e.p.nodes)) {
		if m, ok := e.cache[signatures[id]]; ok && err == nil {
			cached = append(cached, id)
			kept[signatures[id]] = m
		}
	}
	e.cache = kept
	e.note("execution_cached", map[string]any{"nodes": cached})
	at := ""
	if err == nil {
		for _, at = range order {
			if err = e.node(ctx, at, signatures[at]); err != nil {
				break
			}
		}
	}
	if errors.Is(err, errCrashed) || ctx.Err() != nil {
		return false
	}
	e.conclude(at, err)
	return true
}

// order returns the nodes that the outputs need, each after the nodes that it needs.
func (e *execution) order() ([]string, error) {
	var order []string
	state := map[string]int{} // 1: on the way down, 2: done
	var visit func(id string) error
	visit = func(id string) error {
		switch state[id] {
		case 1:
			return &exception{kind: "graph.DependencyCycleError", message: "Dependency cycle detected"}
		case 2:
			return nil
		}
		state[id] = 1
		for _, name := range slices.Sorted(maps.Keys(e.p.nodes[id].Inputs)) {
			if parts, ok := e.p.nodes[id].Inputs[name].([]any); ok {
				if from, _, ok := asLink(parts); ok {
					if err := visit(from); err != nil {
						return err
					}
				}
			}
		}
		state[id] = 2
		order = append(order, id)
		return nil
	}
	for _, id := range e.p.outputs {
		if err := visit(id); err != nil {
			return nil, err
		}
	}
	return order, nil
}

// signatures identifies each node by its class, its inputs and all nodes that it depends on.
func (e *execution) signatures(order []string) map[string]string {
	signatures := map[string]string{}
	for _, id := range order {
		n := e.p.nodes[id]
		inputs := maps.Clone(n.Inputs)
		for name, value := range inputs {
			if parts, ok := value.([]any); ok {
				if from, slot, ok := asLink(parts); ok {
					inputs[name] = map[string]any{"from": signatures[from], "slot": slot}
				}
			}
		}
		text, err := json.Marshal([]any{n.Class, inputs})
		if err != nil { // impossible: it was decoded from JSON
			text = []byte(id)
		}
		if signatures[id] = string(text); e.known[n.Class].always {
			signatures[id] = fmt.Sprint(e.count, signatures[id])
		}
	}
	return signatures
}

// node executes one node, or reports its cached result.
func (e *execution) node(ctx context.Context, id, signature string) error {
	n := e.p.nodes[id]
	c := e.known[n.Class]
	if m, ok := e.cache[signature]; ok {
		e.results[id] = m
		if c.isOut {
			e.send("executed", map[string]any{"node": id, "display_node": id, "output": m.ui})
			e.state(id, 1, 1, "finished")
		}
		return nil
	}
	if e.interrupt.Swap(false) {
		return errInterrupted
	}
	e.state(id, 0, 1, "running")
	e.send("executing", map[string]any{"node": id, "display_node": id})
	if err := sleep(ctx, e.o.NodeTime); err != nil {
		return err
	}
	if err := e.faults(ctx); err != nil {
		return err
	}
	if err := e.steps(ctx, id, c); err != nil {
		return err
	}
	m, err := e.compute(id, n)
	if err != nil {
		return err
	}
	e.cache[signature], e.results[id] = m, m
	if m.ui != nil {
		e.send("executed", map[string]any{"node": id, "display_node": id, "output": m.ui})
	}
	e.state(id, 1, 1, "finished")
	e.executed = append(e.executed, id)
	return nil
}

// steps runs a node's sampling steps: each sends progress and a preview, and checks for an interruption.
func (e *execution) steps(ctx context.Context, id string, c class) error {
	if c.steps == "" {
		return nil
	}
	inputs := e.p.nodes[id].Inputs
	n, _ := asNumber(inputs[c.steps]) // validated
	pause := e.o.StepTime
	if c.stepTime != "" {
		seconds, _ := asNumber(inputs[c.stepTime]) // validated
		pause = time.Duration(seconds * float64(time.Second))
	}
	for step := 1; step <= int(n); step++ {
		if err := sleep(ctx, pause); err != nil {
			return err
		}
		if e.interrupt.Swap(false) {
			return errInterrupted
		}
		e.state(id, float64(step), n, "running")
		e.send("progress", map[string]any{"value": step, "max": int(n), "node": id})
		if sid := e.p.clientID(); sid != "" {
			e.sockets.preview(thumbnail(step), sid)
		}
	}
	return nil
}

// faults simulates the faults that the options request for this prompt.
func (e *execution) faults(ctx context.Context) error {
	if e.o.DropSocketAt == e.count {
		e.sockets.drop()
	}
	if e.o.CrashAt == e.count {
		e.crash()
		return errCrashed
	}
	if e.o.HangAt == e.count {
		<-ctx.Done()
		return ctx.Err()
	}
	return nil
}

// conclude writes the history and sends the last messages, in ComfyUI's order: the history comes between the two.
func (e *execution) conclude(at string, err error) {
	st := status{Text: "success", Completed: true}
	raised, isException := errors.AsType[*exception](err)
	switch {
	case err == nil:
		e.note("execution_success", map[string]any{})
	case errors.Is(err, errInterrupted):
		st = status{Text: "error"}
		e.broadcast("execution_interrupted", map[string]any{"node_id": at, "node_type": e.p.nodes[at].Class, "executed": e.list()})
	default:
		st = status{Text: "error"}
		if !isException {
			raised = &exception{kind: "RuntimeError", message: err.Error()}
		}
		e.note("execution_error", map[string]any{
			"node_id": at, "node_type": e.p.nodes[at].Class, "executed": e.list(), "exception_message": raised.message + "\n" + raised.tips,
			"exception_type": raised.kind, "traceback": []string{}, "current_inputs": map[string]any{"strength": []any{notANumber}}, "current_outputs": e.list(),
		})
	}
	st.Messages = e.messages
	outputs, meta := map[string]map[string]any{}, map[string]any{}
	for id, m := range e.results {
		if m.ui != nil {
			outputs[id] = m.ui
			meta[id] = map[string]any{"node_id": id, "display_node": id, "parent_node": nil, "real_node_id": id}
		}
	}
	e.queue.done(&record{Prompt: e.p, Outputs: outputs, Status: st, Meta: meta})
	e.send("executing", map[string]any{"node": nil})
}

func (e *execution) list() []string { return append([]string{}, e.executed...) }

// send sends an event about this prompt to its client.
func (e *execution) send(event string, data map[string]any) {
	if sid := e.p.clientID(); sid != "" {
		data["prompt_id"] = e.p.id
		e.sockets.send(event, data, sid)
	}
}

// note sends an event and keeps it for the history.
func (e *execution) note(event string, data map[string]any) {
	e.keep(event, data)
	e.send(event, data)
}

// broadcast is like note, but sends to all clients if the prompt has none.
func (e *execution) broadcast(event string, data map[string]any) {
	e.keep(event, data)
	e.sockets.send(event, data, e.p.clientID())
}

func (e *execution) keep(event string, data map[string]any) {
	data["prompt_id"] = e.p.id
	data["timestamp"] = time.Now().UnixMilli()
	e.messages = append(e.messages, []any{event, data})
}

// state sends progress_state, all nodes' progress.
func (e *execution) state(id string, value, limit float64, word string) {
	e.states[id] = map[string]any{
		"value": value, "max": limit, "state": word, "node_id": id, "prompt_id": e.p.id,
		"display_node_id": id, "parent_node_id": nil, "real_node_id": id,
	}
	e.send("progress_state", map[string]any{"nodes": maps.Clone(e.states)})
}

// sleep waits for d or until ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("server stopped: %w", ctx.Err())
	}
}
