package comfyui

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/emprops/machinectl/agent/connector"
	"github.com/emprops/machinectl/nettext"
	"github.com/emprops/machinectl/queue"
)

// Connector runs workflows on one ComfyUI server.
type Connector struct {
	api         *api
	log         *slog.Logger
	keepHistory bool
	timing      timing
}

// timing holds a connector's intervals and limits.
type timing struct {
	poll       time.Duration // between two reads of the queue and the history while no events arrive
	call       time.Duration // limit of one call
	connect    time.Duration // wait for the WebSocket before the prompt is posted without it
	refused    time.Duration // connections refused for this long: the server is gone
	silent     time.Duration // no answer for this long: the server hangs. Long: it doesn't answer while it loads a model
	stopWithin time.Duration // limit of stopping a prompt
	hearOut    time.Duration // wait for the server's last messages about a prompt that has ended
}

var patience = timing{
	poll: 2 * time.Second, call: 15 * time.Second, connect: 5 * time.Second,
	refused: 10 * time.Second, silent: 2 * time.Minute, stopWithin: 5 * time.Second, hearOut: 2 * time.Second,
}

// New returns the connector of a worker with a service. Its settings are in [manifest.Connectors].
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
	t := newTrack(w)
	for try := 1; ; try++ {
		p := newPrompt(c, w, t, a)
		result, err := c.once(ctx, p, a.Files)
		missing, ok := errors.AsType[*missingError](err)
		if !ok {
			return result, err
		}
		if try == maxTries {
			return queue.Result{}, connector.Transient(connector.OutputMissing, nil, "%s, not even after recomputing", missing)
		}
		p.log.Warn("recomputing a workflow", "missing", missing.file.name)
		if err := c.free(ctx); err != nil {
			return queue.Result{}, connector.Transient(lackOf(err), nil, "%s, and ComfyUI does not empty its cache: %s", missing, plainly(err))
		}
		t.again()
	}
}

// maxTries is how often one attempt computes a workflow whose file is gone. ComfyUI chooses when it empties its cache, so the
// second try may come too soon.
const maxTries = 3

// once runs a prompt and collects its outputs.
func (c *Connector) once(ctx context.Context, p *prompt, into connector.Files) (queue.Result, error) {
	defer p.images.clean()
	r, err := p.run(ctx)
	if err != nil {
		return queue.Result{}, err
	}
	defer c.forget(ctx, p)
	if err := r.failure(p.workflow); err != nil {
		return queue.Result{}, err
	}
	return p.collect(ctx, r, into)
}

// free empties the server's cache, so that the next prompt is computed.
func (c *Connector) free(ctx context.Context) error {
	ctx, done := context.WithTimeout(ctx, c.timing.call)
	defer done()
	return c.api.free(ctx)
}

// forget removes a prompt's record from the server's history.
func (c *Connector) forget(ctx context.Context, p *prompt) {
	if c.keepHistory {
		return
	}
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), c.timing.stopWithin)
	defer done()
	if err := c.api.tell(ctx, "/history", map[string][]string{"delete": {p.id}}); err != nil {
		p.log.Warn("cannot delete a prompt's history", "error", err)
	}
}

// prompt is one run of a workflow on a server.
type prompt struct {
	api      *api
	log      *slog.Logger
	timing   timing
	workflow *workflow
	track    *track
	images   *images
	progress func(queue.Progress)
	id       string
	clientID string
}

func newPrompt(c *Connector, w *workflow, t *track, a connector.Attempt) *prompt {
	id := uuid.NewString()
	log := c.log.With("job", a.Job.ID, "prompt", id)
	return &prompt{
		api: c.api, log: log, timing: c.timing, workflow: w, track: t, images: newImages(w.isEnd, log), progress: a.Progress,
		id: id, clientID: uuid.NewString(),
	}
}

// run posts the prompt and returns its record when it has ended. If ctx ends first, the prompt is stopped at the server.
func (p *prompt) run(ctx context.Context) (*record, error) {
	listening, hangUp := context.WithCancel(ctx)
	var socketDone sync.WaitGroup
	defer socketDone.Wait()
	defer hangUp()
	s := newSocket(p.api.addr, p.clientID, p.images)
	socketDone.Go(func() { s.listen(listening) })
	select {
	case <-s.connected:
	case <-time.After(p.timing.connect):
		p.images.miss()
		p.log.Warn("no WebSocket, no progress")
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	err := p.submit(ctx)
	if err == nil {
		p.log.Debug("prompt accepted")
		var r *record
		if r, err = p.follow(ctx, s); err == nil {
			if p.mayHaveImages(r) {
				p.hearOut(ctx, s)
			}
			return r, nil
		}
	}
	p.cancel(ctx)
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return nil, err
}

// hearOut waits for the server's last messages, which may be images: the record may be there before them.
func (p *prompt) hearOut(ctx context.Context, s *socket) {
	enough := time.NewTimer(p.timing.hearOut)
	defer enough.Stop()
	for {
		select {
		case <-p.images.ended:
			return
		case <-s.events:
		case <-enough.C:
			p.images.miss()
			return
		case <-ctx.Done():
			return
		}
	}
}

// cancel stops the prompt at the server.
func (p *prompt) cancel(ctx context.Context) {
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), p.timing.stopWithin)
	defer done()
	if err := p.api.stop(ctx, p.id, p.clientID); err != nil {
		p.log.Warn("cannot stop a prompt", "error", err)
	}
}

// submit posts the prompt. While connections are refused it tries again, up to timing.refused.
func (p *prompt) submit(ctx context.Context) error {
	body := submission{Prompt: p.workflow.raw, PromptID: p.id, ClientID: p.clientID, ExtraData: p.workflow.extra}
	deadline := time.Now().Add(p.timing.refused)
	for {
		call, done := context.WithTimeout(ctx, p.timing.silent)
		id, refused, err := p.api.submit(call, body)
		done()
		if err == nil {
			p.id = id
			if len(refused) > 0 { // the server would silently leave out what depends on these nodes
				return connector.Final(connector.Rejected, "ComfyUI refused a part of the workflow: %s", refused.describe(p.workflow))
			}
			return nil
		}
		if !nettext.Refused(err) || time.Now().After(deadline) || ctx.Err() != nil {
			return submitFailure(p.workflow, err)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(p.timing.poll / 4):
		}
	}
}
