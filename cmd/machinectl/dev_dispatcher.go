package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/emprops/machinectl/devcluster"
	"github.com/emprops/machinectl/devcluster/child"
)

// dispatcherBinary is its name, beside this program or on PATH.
const dispatcherBinary = "machine-dispatcher"

// devDispatcher is a dispatcher running as a child process that can't outlive this one.
type devDispatcher struct {
	url    string // known once it is ready
	token  string // of its administrator
	addr   string // file that it writes its address into
	blobs  string // folder of the results
	log    string // file
	cmd    *exec.Cmd
	keeper *child.Keeper
	done   chan struct{} // closed when it has ended; err is set before
	err    error
}

// startDispatcher starts one for a cluster and waits until it is ready. Without an address in listen it takes the default one,
// or any free port if that is taken.
func startDispatcher(ctx context.Context, cluster *devcluster.Cluster, listen string) (*devDispatcher, error) {
	d, err := startDispatcherOn(ctx, cluster, cmp.Or(listen, devListen))
	switch {
	case err == nil || !strings.Contains(err.Error(), "another program listens on"):
		return d, err
	case listen != "":
		return nil, fmt.Errorf("another program listens on %s: name another address with -listen, or %s for any free port", listen, anyPort)
	default:
		return startDispatcherOn(ctx, cluster, anyPort)
	}
}

func startDispatcherOn(ctx context.Context, cluster *devcluster.Cluster, address string) (*devDispatcher, error) {
	program := beside(dispatcherBinary)
	if program == "" {
		var err error
		if program, err = exec.LookPath(dispatcherBinary); err != nil {
			return nil, fmt.Errorf("there is no %s beside machinectl or on PATH: run make build", dispatcherBinary)
		}
	}
	dir := filepath.Join(cluster.Dir(), "dispatcher")
	d := &devDispatcher{
		addr: filepath.Join(dir, "addr"), log: filepath.Join(dir, "dispatcher.log"), blobs: filepath.Join(cluster.Dir(), "blobs"), done: make(chan struct{}),
	}
	for _, folder := range []string{dir, d.blobs} {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return nil, err
		}
	}
	// An earlier run in the same folder may have left its address there.
	if err := os.RemoveAll(d.addr); err != nil {
		return nil, err
	}
	tokenFile := filepath.Join(dir, "admin-token")
	var err error
	if d.token, err = keptToken(tokenFile); err != nil {
		return nil, err
	}
	// Listening beyond this machine is up to -listen here: dev is a trial.
	d.cmd = exec.Command(program, "-admin-token-file", tokenFile, "-insecure", "-listen", address, "-addr-file", d.addr, "-nomad-addr", cluster.NomadAddr(), "-redis", cluster.RedisURL(),
		"-blobs", "file://"+d.blobs, "-interval", "1s")
	if err := d.start(ctx, dir); err != nil {
		return nil, err
	}
	return d, nil
}

// keptToken returns the token in a file, and makes both if there is none: in a folder that is kept, a token stays the same.
func keptToken(path string) (string, error) {
	b, err := os.ReadFile(path)
	if err == nil && len(bytes.TrimSpace(b)) > 0 {
		return string(bytes.TrimSpace(b)), nil
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	token := "dev_" + rand.Text() + rand.Text()
	return token, os.WriteFile(path, []byte(token+"\n"), 0o600)
}

func (d *devDispatcher) start(ctx context.Context, dir string) error {
	log, err := os.Create(d.log)
	if err != nil {
		return err
	}
	d.cmd.Stdout, d.cmd.Stderr = log, log
	if d.keeper, err = child.New(dir, false); err != nil {
		return errors.Join(err, log.Close())
	}
	if err := d.keeper.Start(d.cmd); err != nil {
		return errors.Join(fmt.Errorf("start %s: %w", d.cmd.Path, err), log.Close(), stopInTime(ctx, d.keeper.Close))
	}
	go func() {
		defer close(d.done)
		d.err = errors.Join(d.cmd.Wait(), log.Close())
	}()
	if err := d.awaitReady(ctx); err != nil {
		return errors.Join(err, stopInTime(ctx, d.stop))
	}
	return nil
}

func (d *devDispatcher) awaitReady(ctx context.Context) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		if d.ready(ctx) {
			return nil
		}
		select {
		case <-d.done:
			return fmt.Errorf("the dispatcher ended while starting:\n%s", d.tail())
		case <-ctx.Done():
			return fmt.Errorf("the dispatcher was not ready in time: %w\n%s", context.Cause(ctx), d.tail())
		case <-tick.C:
		}
	}
}

// ready asks at the address that the process has written: another process may answer at the one it was given.
func (d *devDispatcher) ready(ctx context.Context) bool {
	b, err := os.ReadFile(d.addr)
	if err != nil {
		return false
	}
	d.url = "http://" + reachable(strings.TrimSpace(string(b)))
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.url+"/readyz", nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	return resp.Body.Close() == nil && resp.StatusCode == http.StatusOK
}

// reachable returns the address to connect to, for one that a server listens on.
func reachable(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

// stop asks the dispatcher to end, and kills it if that takes half of the time.
func (d *devDispatcher) stop(ctx context.Context) error {
	polite, cancel := context.WithTimeout(ctx, devStopLimit/2)
	defer cancel()
	var errs []error
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		errs = append(errs, err)
	}
	select {
	case <-d.done:
	case <-polite.Done():
		errs = append(errs, errors.New("the dispatcher ignored the stop signal and was killed"))
	}
	return errors.Join(append(errs, d.keeper.Close(ctx))...)
}

// tail returns the end of its log.
func (d *devDispatcher) tail() string {
	b, err := os.ReadFile(d.log)
	if err != nil {
		return err.Error()
	}
	lines := bytes.Split(bytes.TrimSpace(b), []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-10):], []byte("\n")))
}
