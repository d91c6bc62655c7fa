package comfysim

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/emprops/machinectl/hcl/timetext"
)

// Options configure a [Server].
type Options struct {
	// Listen is host:port; port 0 picks a free one.
	Listen string
	// Dir is where the output and temp folders are created; default a temporary folder, which is removed at the end.
	Dir string
	// StepTime is how long one sampling step takes, NodeTime how long any node takes besides its steps.
	StepTime, NodeTime time.Duration
	// StartTime is how long the server refuses connections after its start.
	StartTime time.Duration

	// FailNode and OOMNode are node classes that raise RuntimeError or torch.OutOfMemoryError.
	FailNode, OOMNode string
	// CrashAt is the prompt, counted from 1, during which the server dies; 0 means none.
	CrashAt int
	// HangAt is the prompt that never ends and can't be interrupted; 0 means none.
	HangAt int
	// DropSocketAt is the prompt during which all WebSockets are cut; 0 means none.
	DropSocketAt int

	Logger *slog.Logger
}

// ErrUsage is wrapped by [Main]'s errors about its arguments.
var ErrUsage = errors.New("usage")

// parse reads the flags of the command line.
func parse(args []string, getenv func(string) string, out io.Writer) (Options, error) {
	o := Options{Logger: slog.New(slog.NewTextHandler(out, nil))}
	port := getenv("NOMAD_PORT_http")
	if port == "" {
		port = "8188"
	}
	f := flag.NewFlagSet("machine-sim comfyui", flag.ContinueOnError)
	f.SetOutput(out)
	f.StringVar(&o.Listen, "listen", "127.0.0.1:"+port, "`host:port` to listen at")
	f.StringVar(&o.Dir, "dir", "", "`folder` for outputs (default: a temporary one)")
	f.DurationVar(&o.StepTime, "step-time", 100*time.Millisecond, "time that one sampling step takes")
	f.DurationVar(&o.NodeTime, "node-time", 20*time.Millisecond, "time that any node takes besides its steps")
	f.DurationVar(&o.StartTime, "start-time", 0, "time until the server accepts connections")
	f.StringVar(&o.FailNode, "fail-node", "", "node `class` that raises an exception")
	f.StringVar(&o.OOMNode, "oom-node", "", "node `class` that runs out of GPU memory")
	f.IntVar(&o.CrashAt, "crash-at", 0, "die in the middle of this prompt, counted from 1")
	f.IntVar(&o.HangAt, "hang-at", 0, "never end this prompt, and ignore its interruption")
	f.IntVar(&o.DropSocketAt, "drop-socket-at", 0, "cut all WebSockets in the middle of this prompt")
	if err := f.Parse(args); errors.Is(err, flag.ErrHelp) {
		return o, err
	} else if err != nil {
		return o, fmt.Errorf("%w: %w", ErrUsage, err)
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("%w: unexpected argument %q", ErrUsage, f.Arg(0))
	}
	return o, o.validate()
}

func (o Options) validate() error {
	for _, d := range []struct {
		name  string
		value time.Duration
	}{{"step-time", o.StepTime}, {"node-time", o.NodeTime}, {"start-time", o.StartTime}} {
		if d.value < 0 {
			return fmt.Errorf("%w: -%s: %s is negative", ErrUsage, d.name, timetext.Duration(d.value))
		}
	}
	for _, p := range []struct {
		name  string
		value int
	}{{"crash-at", o.CrashAt}, {"hang-at", o.HangAt}, {"drop-socket-at", o.DropSocketAt}} {
		if p.value < 0 {
			return fmt.Errorf("%w: -%s: %d is negative; prompts are counted from 1", ErrUsage, p.name, p.value)
		}
	}
	return nil
}

func (o Options) defaults() Options {
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// folder creates the folder for outputs and returns a function that removes it if it is temporary.
func (o Options) folder() (dir string, clean func(), err error) {
	if o.Dir != "" {
		return o.Dir, func() {}, os.MkdirAll(o.Dir, 0o755)
	}
	if dir, err = os.MkdirTemp("", "comfysim-"); err != nil {
		return "", nil, err
	}
	return dir, func() { _ = os.RemoveAll(dir) }, nil
}
