package comfysim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// Server is a running simulated ComfyUI server.
type Server struct {
	o        Options
	addr     string
	queue    *prompts
	sockets  *sockets
	executor *executor
	files    *files
	http     *http.Server
	end      context.CancelFunc
	clean    func()
	loops    sync.WaitGroup
	crashed  chan struct{}
	serving  chan struct{} // closed when connections are accepted
	failed   chan error    // gets the error if the server can't serve (any more)
	once     sync.Once
}

// Start starts a server. If it has a start time, Start returns immediately, and the server refuses connections until then.
func Start(o Options) (*Server, error) {
	o = o.defaults()
	if err := o.validate(); err != nil {
		return nil, err
	}
	dir, clean, err := o.folder()
	if err != nil {
		return nil, err
	}
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", o.Listen)
	if err != nil {
		clean()
		return nil, err
	}
	life, end := context.WithCancel(context.Background())
	s := &Server{
		o: o, addr: listener.Addr().String(), sockets: newSockets(), files: &files{dir: dir}, end: end, clean: clean,
		crashed: make(chan struct{}), serving: make(chan struct{}), failed: make(chan error, 1),
	}
	s.queue = newPrompts(s.queueChanged)
	s.executor = &executor{o: o, known: classes(), queue: s.queue, sockets: s.sockets, files: s.files, crash: s.crash}
	s.http = &http.Server{
		Handler: s.routes(), ReadHeaderTimeout: 10 * time.Second,
		BaseContext: func(net.Listener) context.Context { return life },
	}
	if o.StartTime > 0 {
		// The port is closed meanwhile, so that connections are refused, as by a server that is loading.
		if err := listener.Close(); err != nil {
			end()
			clean()
			return nil, err
		}
		listener = nil
	}
	s.loops.Go(func() { s.run(life, listener) })
	s.loops.Go(func() { s.executor.loop(life) })
	return s, nil
}

// Addr returns the host:port that the server listens on.
func (s *Server) Addr() string { return s.addr }

// Crashed returns a channel that is closed when the server has died because of Options.CrashAt.
func (s *Server) Crashed() <-chan struct{} { return s.crashed }

// Serving returns a channel that is closed when the server accepts connections.
func (s *Server) Serving() <-chan struct{} { return s.serving }

// Failed returns a channel that gets an error if the server stops serving, or never begins because another process has taken
// its port during the start time.
func (s *Server) Failed() <-chan error { return s.failed }

// Close stops the server immediately.
func (s *Server) Close() error {
	s.once.Do(s.end)
	err := s.http.Close()
	s.loops.Wait()
	s.clean()
	return err
}

func (s *Server) run(life context.Context, listener net.Listener) {
	if listener == nil {
		if sleep(life, s.o.StartTime) != nil {
			return
		}
		var err error
		if listener, err = new(net.ListenConfig).Listen(life, "tcp", s.addr); err != nil {
			s.o.Logger.Error("cannot listen", "error", err)
			s.failed <- err
			return
		}
	}
	close(s.serving)
	s.o.Logger.Info("simulated ComfyUI started", "url", "http://"+s.addr)
	if err := s.http.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		s.o.Logger.Error("server failed", "error", err)
		s.failed <- err
	}
}

// crash cuts all connections and stops listening, as a killed process does.
func (s *Server) crash() {
	s.sockets.drop()
	_ = s.http.Close() // what stays open is closed with the process
	close(s.crashed)
}

func (s *Server) queueChanged() {
	s.sockets.send("status", map[string]any{"status": s.queueInfo()}, "")
}

func (s *Server) queueInfo() map[string]any {
	return map[string]any{"exec_info": map[string]any{"queue_remaining": s.queue.remaining()}}
}

// Main runs the command line. It serves until ctx ends or the server dies because of -crash-at.
func Main(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	o, err := parse(args, getenv, stderr)
	if err != nil {
		return err
	}
	s, err := Start(o)
	if err != nil {
		return err
	}
	defer s.Close()
	for serving := s.Serving(); ; {
		select {
		case <-serving:
			fmt.Fprintf(stdout, "simulated ComfyUI at http://%s\n", s.Addr())
			serving = nil
		case err := <-s.Failed():
			return fmt.Errorf("cannot serve at %s: %w", s.Addr(), err)
		case <-ctx.Done():
			return nil
		case <-s.Crashed():
			return errors.New("simulated crash, as requested by -crash-at")
		}
	}
}
