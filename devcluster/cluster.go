package devcluster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"sync"

	"github.com/emprops/machinectl/devcluster/child"
	"github.com/emprops/machinectl/devcluster/gpu"
	"github.com/emprops/machinectl/devcluster/standin"
)

// ErrStandIn is returned by methods that need a real Nomad or Redis.
var ErrStandIn = errors.New("devcluster: this is a stand-in, which can't be killed on its own: put nomad and redis-server on PATH")

// Cluster is a running Nomad and Redis.
type Cluster struct {
	opts    Options
	dir     string
	scratch bool // dir is temporary and removed by Stop
	keeper  *child.Keeper
	standin *standin.Server // nil with a real Nomad
	nomad   *nomadAgent     // nil with the stand-in
	redis   redisServer
	about   []string

	mu   sync.Mutex
	sick map[int]string
	once sync.Once
	err  error
}

// redisServer is either the real or the embedded Redis.
type redisServer interface {
	url() string
	kill() error
	start(ctx context.Context) error
	stop(ctx context.Context) error
}

// Start starts a cluster and waits until it is ready. ctx bounds the start only; the cluster runs until Stop.
func Start(ctx context.Context, opts Options) (*Cluster, error) {
	opts = opts.withDefaults()
	if err := opts.validate(); err != nil {
		return nil, err
	}
	c := &Cluster{opts: opts, sick: map[int]string{}}
	if err := c.makeDir(); err != nil {
		return nil, err
	}
	if err := c.start(ctx); err != nil {
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopGrace)
		defer cancel()
		return nil, errors.Join(err, c.Stop(stop))
	}
	return c, nil
}

// tmpName is the folder for temporary files of all processes in the cluster, because killed tasks don't remove theirs.
const tmpName = "tmp"

func (c *Cluster) makeDir() (err error) {
	if c.opts.Dir == "" {
		c.scratch = true
		c.dir, err = os.MkdirTemp("", "devcluster-")
	} else if err = os.MkdirAll(c.opts.Dir, 0o755); err == nil {
		c.dir, err = filepath.Abs(c.opts.Dir)
	}
	if err == nil {
		err = writable(filepath.Join(c.dir, tmpName))
	}
	if err == nil {
		return nil
	}
	if c.scratch {
		err = errors.Join(fmt.Errorf("devcluster: no folder to keep its files in: %w; TMPDIR can name another place", err), os.RemoveAll(c.dir))
		return err
	}
	return fmt.Errorf("devcluster: can't keep its files in %s: %w; name a folder with room that can be written to", c.opts.Dir, err)
}

// room is how many bytes a folder must have room for: the logs and state of a small run.
const room = 8 << 20

// writable creates a folder and writes to it, so that a problem is reported before it makes other things fail.
func writable(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	probe := filepath.Join(dir, "probe")
	return errors.Join(os.WriteFile(probe, make([]byte, room), 0o600), os.RemoveAll(probe))
}

func (c *Cluster) start(ctx context.Context) (err error) {
	if c.keeper, err = child.New(c.dir, c.scratch); err != nil {
		return err
	}
	if err := c.startRedis(ctx); err != nil {
		return err
	}
	return c.startNomad(ctx)
}

func (c *Cluster) startNomad(ctx context.Context) (err error) {
	gpus := c.opts.gpus(filepath.Join(c.dir, "gpu-health.json"))
	if path := find("nomad"); path != "" && !c.opts.EmbeddedNomad {
		err = onFreePorts(nomadPorts, func(ports []int) error {
			n, err := newNomadAgent(c.opts, path, c.dir, gpus, ports, c.keeper)
			if err != nil {
				return err
			}
			c.nomad = n
			return n.start(ctx)
		})
		c.about = append(c.about, fmt.Sprintf("Nomad: real, %s; one node that declares %d GHz and %d GiB, whatever the machine has", path, c.opts.CPU/1000, c.opts.Memory>>10))
		if gpus.Count > 0 {
			c.about = append(c.about, fmt.Sprintf("GPUs:  %d simulated %s, offered by a device plugin; they compute nothing", gpus.Count, gpus.Model))
		}
		return err
	}
	c.standin, err = standin.Start(standin.Config{
		Dir: filepath.Join(c.dir, "nomad"), Tmp: filepath.Join(c.dir, tmpName), Resources: c.opts.resources(), GPUs: gpus, Keeper: c.keeper, Logger: c.opts.Logger,
	})
	c.about = append(c.about, "Nomad: stand-in: one node, state in memory, tasks are plain child processes (a nomad on PATH would be used)")
	if gpus.Count > 0 {
		c.about = append(c.about, fmt.Sprintf("GPUs:  %d simulated %s; they compute nothing", gpus.Count, gpus.Model))
	}
	return err
}

// NomadAddr returns the URL of Nomad's HTTP API.
func (c *Cluster) NomadAddr() string {
	if c.nomad != nil {
		return c.nomad.addr()
	}
	return c.standin.Addr()
}

// RedisURL returns Redis's URL, redis://127.0.0.1:port/0.
func (c *Cluster) RedisURL() string { return c.redis.url() }

// Dir returns the folder that holds all files: the logs of nomad and redis-server, and the allocations' folders.
func (c *Cluster) Dir() string { return c.dir }

// Describe returns one line per component that tells whether it is real, a stand-in or simulated.
func (c *Cluster) Describe() []string { return append([]string(nil), c.about...) }

// RealNomad reports whether a real Nomad runs.
func (c *Cluster) RealNomad() bool { return c.nomad != nil }

// RealRedis reports whether a real Redis runs.
func (c *Cluster) RealRedis() bool { _, embedded := c.redis.(*embeddedRedis); return !embedded }

// SetGPUHealth makes a simulated GPU unhealthy for the given reason, or healthy if the reason is empty. It takes effect
// within a second in the stand-in; a real Nomad's client may take ten seconds.
func (c *Cluster) SetGPUHealth(index int, reason string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if index < 0 || index >= c.opts.GPUs {
		return fmt.Errorf("devcluster: GPU %d: want 0 to %d", index, c.opts.GPUs-1)
	}
	sick := maps.Clone(c.sick)
	if sick[index] = reason; reason == "" {
		delete(sick, index)
	}
	if err := gpu.WriteHealth(filepath.Join(c.dir, "gpu-health.json"), sick); err != nil {
		return err
	}
	c.sick = sick
	return nil
}

// KillNomad sends SIGKILL to the real Nomad agent, which is server and client in one. Its tasks keep running.
func (c *Cluster) KillNomad() error {
	if c.nomad == nil {
		return ErrStandIn
	}
	return c.nomad.kill()
}

// StartNomad restarts a killed Nomad with its data and at the same address.
func (c *Cluster) StartNomad(ctx context.Context) error {
	if c.nomad == nil {
		return ErrStandIn
	}
	return c.nomad.start(ctx)
}

// RestartNomad calls KillNomad and StartNomad.
func (c *Cluster) RestartNomad(ctx context.Context) error {
	if err := c.KillNomad(); err != nil {
		return err
	}
	return c.StartNomad(ctx)
}

// KillRedis sends SIGKILL to the real Redis.
func (c *Cluster) KillRedis() error { return c.redis.kill() }

// StartRedis restarts a killed Redis with its append-only file and at the same address.
func (c *Cluster) StartRedis(ctx context.Context) error { return c.redis.start(ctx) }

// Stop stops everything. Tasks are told to stop and have taskGrace, or until ctx ends if that is sooner; then they are killed.
// Calling it again returns the first call's result.
func (c *Cluster) Stop(ctx context.Context) error {
	c.once.Do(func() { c.err = c.stop(ctx) })
	return c.err
}

func (c *Cluster) stop(ctx context.Context) error {
	var errs []error
	if c.standin != nil {
		polite, cancel := context.WithTimeout(ctx, taskGrace)
		errs = append(errs, c.standin.Stop(polite))
		cancel()
	}
	if c.nomad != nil {
		errs = append(errs, c.nomad.stop(ctx))
	}
	if c.redis != nil {
		errs = append(errs, c.redis.stop(ctx))
	}
	if c.keeper != nil {
		errs = append(errs, c.keeper.Close(ctx))
	}
	errs = append(errs, child.UnmountBelow(c.dir), os.RemoveAll(filepath.Join(c.dir, tmpName)))
	if c.scratch {
		errs = append(errs, os.RemoveAll(c.dir))
	}
	return errors.Join(errs...)
}
