package comfyui

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/emprops/machinectl/agent/connector"
	"github.com/emprops/machinectl/queue"
)

// Connector runs workflows on one ComfyUI server.
type Connector struct {
	api         *api
	log         *slog.Logger
	keepHistory bool
	timing      timing
}

// timing is how patient a connector is.
type timing struct {
	poll       time.Duration // between two looks at the queue and the history while nothing is heard
	call       time.Duration // limit of one call
	connect    time.Duration // wait for the WebSocket before the prompt is posted without it
	refused    time.Duration // connections refused for this long: the server is gone
	silent     time.Duration // no answer for this long: the server hangs. Long: it doesn't answer while it loads a model
	stopWithin time.Duration // limit of taking a prompt back
}

var patience = timing{
	poll: 2 * time.Second, call: 15 * time.Second, connect: 5 * time.Second,
	refused: 10 * time.Second, silent: 2 * time.Minute, stopWithin: 5 * time.Second,
}

// New makes the connector of a worker with a service. Its settings are in [spec.Connectors].
func New(c connector.Config) (connector.Connector, error) {
	if c.Addr == "" {
		return nil, fmt.Errorf("worker %q: connector comfyui needs a service with a port: set service in the worker block", c.Worker.Name)
	}
	if err := connector.CheckSettings("comfyui", c.Worker); err != nil {
		return nil, err
	}
	keep, err := strconv.ParseBool(cmp.Or(c.Worker.Settings["keep_history"], "false"))
	if err != nil {
		return nil, fmt.Errorf("worker %q: setting keep_history: %w", c.Worker.Name, err)
	}
	return &Connector{api: newAPI(c.Addr), log: c.Logger, timing: patience, keepHistory: keep}, nil
}

// Run implements [connector.Connector].
func (c *Connector) Run(ctx context.Context, a connector.Attempt) (queue.Result, error) {
	w, err := parse(a.Job.Parameters)
	if err != nil {
		return queue.Result{}, err
	}
	p := &prompt{
		api: c.api, timing: c.timing, workflow: w, track: newTrack(w), progress: a.Progress,
		id: uuid.NewString(), clientID: uuid.NewString(),
	}
	p.log = c.log.With("job", a.Job.ID, "prompt", p.id)
	r, err := p.run(ctx)
	if err != nil {
		return queue.Result{}, err
	}
	defer c.forget(ctx, p)
	if err := r.failure(w); err != nil {
		return queue.Result{}, err
	}
	return c.collect(ctx, p, r, a.Files)
}

// forget takes a prompt's record out of the server's history.
func (c *Connector) forget(ctx context.Context, p *prompt) {
	if c.keepHistory {
		return
	}
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), c.timing.stopWithin)
	defer done()
	if err := c.api.call(ctx, "POST", "/history", map[string][]string{"delete": {p.id}}, nil); err != nil {
		p.log.Warn("cannot delete the prompt's history", "error", err)
	}
}

// prompt is one workflow on its way through a server.
type prompt struct {
	api      *api
	log      *slog.Logger
	timing   timing
	workflow *workflow
	track    *track
	progress func(queue.Progress)
	id       string
	clientID string
}

// run posts the prompt and returns its record when it has ended. When ctx ends first, the prompt is stopped at the server.
func (p *prompt) run(ctx context.Context) (*record, error) {
	listening, hangUp := context.WithCancel(ctx)
	var socketDone sync.WaitGroup
	defer socketDone.Wait()
	defer hangUp()
	s := newSocket(p.api.addr, p.clientID)
	socketDone.Go(func() { s.listen(listening) })
	select {
	case <-s.connected:
	case <-time.After(p.timing.connect):
		p.log.Warn("no WebSocket: going on without progress")
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	err := p.submit(ctx)
	if err == nil {
		p.log.Debug("prompt accepted")
		var r *record
		if r, err = p.follow(ctx, s); err == nil {
			return r, nil
		}
	}
	p.takeBack(ctx)
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return nil, err
}

// takeBack makes sure that the server doesn't go on with a prompt which nobody waits for.
func (p *prompt) takeBack(ctx context.Context) {
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), p.timing.stopWithin)
	defer done()
	if err := p.api.stop(ctx, p.id, p.clientID); err != nil {
		p.log.Warn("cannot stop the prompt at the server", "error", err)
	}
}

// submit posts the prompt. While connections are refused it tries again, for as long as a restart may take to be noticed.
func (p *prompt) submit(ctx context.Context) error {
	body := submission{Prompt: p.workflow.raw, PromptID: p.id, ClientID: p.clientID, ExtraData: p.workflow.extra}
	deadline := time.Now().Add(p.timing.refused)
	for {
		call, done := context.WithTimeout(ctx, p.timing.silent)
		id, refused, err := p.api.submit(call, body)
		done()
		if err == nil {
			p.id = id
			if len(refused) > 0 { // the server would leave out what depends on these nodes, and say nothing more of it
				return connector.Final(connector.Rejected, "ComfyUI refused a part of the workflow: %s", refused.describe(p.workflow))
			}
			return nil
		}
		if !isRefused(err) || time.Now().After(deadline) || ctx.Err() != nil {
			return submitFailure(p.workflow, err)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(p.timing.poll / 4):
		}
	}
}

// textData is the result's data.
type textData struct {
	PromptID string              `json:"prompt_id"`
	Text     map[string][]string `json:"text,omitempty"`
}

func (d textData) encode() (json.RawMessage, error) { return json.Marshal(d) }
