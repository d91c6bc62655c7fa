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
	once     sync.Once
}

// Start starts a server. With a start time it returns at once, but the server isn't there until that has passed.
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
		crashed: make(chan struct{}),
	}
	s.queue = newPrompts(s.queueChanged)
	s.executor = &executor{o: o, known: classes(), queue: s.queue, sockets: s.sockets, files: s.files, crash: s.crash}
	s.http = &http.Server{
		Handler: s.routes(), ReadHeaderTimeout: 10 * time.Second,
		BaseContext: func(net.Listener) context.Context { return life },
	}
	if o.StartTime > 0 {
		// The port is given up meanwhile, so that connections are refused as those to a server that is loading are.
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

// Addr is host:port.
func (s *Server) Addr() string { return s.addr }

// Crashed is closed when the server has died as ordered.
func (s *Server) Crashed() <-chan struct{} { return s.crashed }

// Close stops the server at once.
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
			return
		}
	}
	s.o.Logger.Info("simulated ComfyUI is up", "url", "http://"+s.addr)
	if err := s.http.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		s.o.Logger.Error("server", "error", err)
	}
}

// crash cuts all connections and stops listening, as a killed process does.
func (s *Server) crash() {
	s.sockets.drop()
	_ = s.http.Close() // what doesn't close now closes with the process
	close(s.crashed)
}

func (s *Server) queueChanged() {
	s.sockets.send("status", map[string]any{"status": s.queueInfo()}, "")
}

func (s *Server) queueInfo() map[string]any {
	return map[string]any{"exec_info": map[string]any{"queue_remaining": s.queue.remaining()}}
}

// Main is the command line: it serves until ctx ends or the server dies as ordered.
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
	fmt.Fprintf(stdout, "simulated ComfyUI at http://%s\n", s.Addr())
	select {
	case <-ctx.Done():
		return nil
	case <-s.Crashed():
		return errors.New("simulated crash, as ordered by -crash-at")
	}
}
