package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"time"

	"github.com/lmittmann/tint"
	"github.com/urfave/cli/v3"

	"github.com/emprops/machinectl/compiler/view"
	"github.com/emprops/machinectl/devcluster"
	"github.com/emprops/machinectl/hcl/timetext"
)

const (
	devStartLimit = 90 * time.Second
	devStopLimit  = 30 * time.Second
)

func devCommand(std streams) *cli.Command {
	return &cli.Command{
		Name: "dev", Usage: "run the whole stack on this machine",
		Description: "Starts Nomad, Redis and a dispatcher, and runs until Ctrl-C, which stops all of them. nomad and redis-server are used\n" +
			"if they are on PATH; otherwise stand-ins are. GPUs are simulated. The first lines it prints list what is real.",
		Flags: []cli.Flag{
			&cli.IntFlag{Name: "gpus", Value: 4, Usage: "`N` simulated GPUs"},
			&cli.StringFlag{Name: "gpu-model", Usage: "`NAME` of their model (default a GeForce RTX 4090)"},
			&cli.StringFlag{Name: "dir", Usage: "`FOLDER` for logs, data and results (default a temporary one, removed at the end)"},
			&cli.StringFlag{Name: "listen", Usage: "`HOST:PORT` of the dispatcher; port 0 is any free one (default " + devListen + " if that is free)"},
			&cli.BoolFlag{Name: "embedded", Usage: "never use nomad and redis-server from PATH"},
			jsonFlag(),
		},
		Action: func(ctx context.Context, cmd *cli.Command) error { return dev(ctx, cmd, std) },
	}
}

// stack is what dev prints when it is up; with -json, on one line.
type stack struct {
	Nomad      string   `json:"nomad"`
	Redis      string   `json:"redis"`
	Dispatcher string   `json:"dispatcher"`
	Token      string   `json:"token"` // of the dispatcher's administrator
	Blobs      string   `json:"blobs"`
	Dir        string   `json:"dir"`
	Parts      []string `json:"parts"` // what is real and what is a stand-in
}

func dev(ctx context.Context, cmd *cli.Command, std streams) (err error) {
	if cmd.Args().Present() {
		return misuse(cmd, "unexpected argument %q: dev has flags only", cmd.Args().First())
	}
	if listen := cmd.String("listen"); cmd.IsSet("listen") && !isAddress(listen) {
		return misuse(cmd, "-listen %q: write HOST:PORT, such as %s", listen, devListen)
	}
	log := slog.New(tint.NewTextHandler(std.err, &tint.Options{Level: slog.LevelWarn, TimeFormat: timetext.ClockLayout, ReplaceAttr: timetext.Attr, NoColor: !std.errors().Color}))
	starting, cancel := context.WithTimeout(ctx, devStartLimit)
	defer cancel()
	cluster, err := devcluster.Start(starting, devcluster.Options{
		Dir: cmd.String("dir"), GPUs: cmd.Int("gpus"), GPUModel: cmd.String("gpu-model"), Embedded: cmd.Bool("embedded"),
		SimGPUBinary: beside("nomad-device-simgpu"), Logger: log,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stopInTime(ctx, cluster.Stop)) }()

	d, err := startDispatcher(starting, cluster, cmd.String("listen"))
	if err != nil {
		return err
	}
	// Before the cluster, so that it doesn't mistake the end for a failure and resize.
	defer func() { err = errors.Join(err, stopInTime(ctx, d.stop)) }()

	if err := announce(cmd, std, cluster, d); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		// Ctrl-C is how this command ends.
		return nil
	case <-d.done:
		return fmt.Errorf("the dispatcher ended by itself (%w):\n%s", d.err, d.tail())
	}
}

// stopInTime calls stop with a deadline of its own: ctx may have ended.
func stopInTime(ctx context.Context, stop func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), devStopLimit)
	defer cancel()
	return stop(ctx)
}

func announce(cmd *cli.Command, std streams, cluster *devcluster.Cluster, d *devDispatcher) error {
	s := stack{
		Nomad: cluster.NomadAddr(), Redis: cluster.RedisURL(), Dispatcher: d.url, Token: d.token, Blobs: "file://" + d.blobs,
		Dir: cluster.Dir(), Parts: cluster.Describe(),
	}
	if cmd.Bool("json") {
		return view.JSONLine(std.out, s)
	}
	out := std.screen()
	for _, part := range s.Parts {
		out.Printf("%s", part)
	}
	out.Printf(`
  Nomad       %s
  Redis       %s
  Dispatcher  %s
  Results     %s
  Logs        %s

In another terminal:

  export NOMAD_ADDR=%s MACHINECTL_DISPATCHER=%s
  export MACHINECTL_TOKEN=%s

The token is the dispatcher's administrator's: send it as Authorization: Bearer, or make others with machinectl token create.
Ctrl-C stops everything.`, s.Nomad, s.Redis, s.Dispatcher, d.blobs, s.Dir, s.Nomad, s.Dispatcher, s.Token)
	return nil
}

// devListen is where commands look for a dispatcher by default. dev starts one on anyPort if that address is taken.
const (
	devListen = "127.0.0.1:8650"
	anyPort   = "127.0.0.1:0"
)

// isAddress reports whether something can be listened on: a host, which may be empty, and a port number.
func isAddress(text string) bool {
	_, port, err := net.SplitHostPort(text)
	if err != nil {
		return false
	}
	_, err = strconv.ParseUint(port, 10, 16)
	return err == nil
}
