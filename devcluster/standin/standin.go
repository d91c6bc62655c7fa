package standin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/devcluster/child"
	"github.com/emprops/machinectl/devcluster/gpu"
)

// Config configures the stand-in.
type Config struct {
	Dir       string        // folder for its files; created if missing
	Name      string        // the node's name; default "devcluster"
	Tmp       string        // TMPDIR of tasks that don't set it; default this process's
	Addr      string        // host:port to listen on; default a free port on 127.0.0.1
	Resources Resources     // what the node declares
	GPUs      gpu.Spec      // its simulated GPUs
	MinPort   int           // range of the dynamic ports; default 20000 to 32000
	MaxPort   int           // inclusive
	Keeper    *child.Keeper // starts the tasks
	Logger    *slog.Logger
}

func (c Config) withDefaults() Config {
	if c.Name == "" {
		c.Name = "devcluster"
	}
	if c.Addr == "" {
		c.Addr = "127.0.0.1:0"
	}
	if c.MinPort == 0 {
		c.MinPort, c.MaxPort = 20000, 32000
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func (c Config) validate() error {
	switch {
	case c.Dir == "":
		return errors.New("standin: Config.Dir is empty")
	case c.Keeper == nil:
		return errors.New("standin: Config.Keeper is nil")
	case c.MinPort > c.MaxPort:
		return fmt.Errorf("standin: port range %d to %d is empty", c.MinPort, c.MaxPort)
	}
	return c.GPUs.Validate()
}

// Server is a running stand-in.
type Server struct {
	store  *store
	client *client
	http   *http.Server
	cancel context.CancelFunc
	wait   sync.WaitGroup
	once   sync.Once
	err    error
}

// Start starts a stand-in. It runs until Stop.
func Start(cfg Config) (*Server, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	dir := filepath.Join(cfg.Dir, "alloc")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("standin: %w", err)
	}
	listener, err := net.Listen("tcp", cfg.Addr)
	if err != nil {
		return nil, fmt.Errorf("standin: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	st := newStore(newNode(cfg, listener.Addr().String()))
	st.namespaces["default"] = &api.Namespace{Name: "default", Description: "Default shared namespace", CreateIndex: 1, ModifyIndex: 1}
	c := &client{
		store: st, keeper: cfg.Keeper, dir: dir, tmp: cfg.Tmp, tokens: newTokens(), log: cfg.Logger, ctx: ctx,
		hurry: make(chan struct{}), runners: map[string]*allocRunner{},
	}
	st.client = c
	st.timers = newTimers(func(k jobKey) { st.mustWrite(func(tx *txn) { tx.evaluate(k, "alloc-failure") }) })
	h := &httpAPI{store: st, client: c, ctx: ctx}
	handler := h.handler()
	c.listen = func(path string) (func(), error) { return serveTaskAPI(path, c.tokens.requireToken(handler)) }
	s := &Server{store: st, client: c, cancel: cancel, http: &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}}
	s.wait.Go(func() {
		if err := s.http.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			cfg.Logger.Error("stand-in for Nomad stopped serving", "error", err)
		}
	})
	s.wait.Go(func() { s.watchGPUs(ctx, cfg) })
	s.wait.Go(func() { s.collectGarbage(ctx) })
	return s, nil
}

// Addr returns the URL of the HTTP API.
func (s *Server) Addr() string { return "http://" + s.store.node.addr }

// Stop ends all tasks the way Nomad stops allocations (leader first, with the kill signal), but kills those that
// haven't ended when ctx does. Calling it again returns the first call's result.
func (s *Server) Stop(ctx context.Context) error {
	s.once.Do(func() { s.err = s.stop(ctx) })
	return s.err
}

func (s *Server) stop(ctx context.Context) error {
	s.store.timers.stop()
	s.cancel()
	hurry := context.AfterFunc(ctx, func() { close(s.client.hurry) })
	defer hurry()
	s.client.close()
	err := s.http.Close()
	s.wait.Wait()
	return err
}

// gpuPoll is how often the GPU control file is read.
const gpuPoll = 250 * time.Millisecond

// watchGPUs follows the control file: unhealthy GPUs are not allocated, and jobs that wait may use a GPU once it is
// healthy again.
func (s *Server) watchGPUs(ctx context.Context, cfg Config) {
	if cfg.GPUs.ControlFile == "" {
		return
	}
	tick := time.NewTicker(gpuPoll)
	defer tick.Stop()
	for {
		sick, err := gpu.ReadHealth(cfg.GPUs.ControlFile)
		if err != nil {
			cfg.Logger.Warn("GPU health", "error", err)
		} else {
			s.setSick(sick)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (s *Server) setSick(sick map[int]string) {
	s.store.mustWrite(func(tx *txn) {
		if len(sick) == len(tx.node.sick) && same(sick, tx.node.sick) {
			return
		}
		tx.node.sick, tx.node.modified = sick, tx.index
		tx.touch(tableNodes)
		tx.event(api.TopicNode, "NodeRegistration", tx.node.id, nil, tx.node.api())
		tx.unblock()
	})
}
