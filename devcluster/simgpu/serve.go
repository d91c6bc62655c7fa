package simgpu

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/emprops/machinectl/devcluster/simgpu/pluginpb"
)

// Name is the program's name; its plugin block in Nomad's configuration must have the same name.
const Name = "nomad-device-simgpu"

// Handshake values that a Nomad client and its plugins agree on.
const (
	protocolVersion = 2
	cookieKey       = "NOMAD_PLUGIN_MAGIC_COOKIE"
	cookieValue     = "e4327c2e01eabfd75a8a67adb114fb34a757d57eee7728d857a8cec6e91a7255"
)

// orphanPoll is how often the plugin checks whether its client still exists.
const orphanPoll = time.Second

// Serve runs the plugin until the Nomad client that started it stops it or dies. If the plugin was started by hand, the
// error explains how to use it.
func Serve() error {
	if os.Getenv(cookieKey) != cookieValue {
		return errors.New(Name + " is a plugin that a Nomad client starts: put it in the client's plugin_dir and add a block\n" +
			"  plugin \"" + Name + "\" {\n    config {\n      count = 2\n    }\n  }\nto its configuration")
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	go exitWithParent(ctx, os.Getppid())
	log := hclog.New(&hclog.LoggerOptions{Name: Name, Level: hclog.Info, JSONFormat: true})
	p := newDevices(log)
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: plugin.HandshakeConfig{ProtocolVersion: protocolVersion, MagicCookieKey: cookieKey, MagicCookieValue: cookieValue},
		Plugins:         plugin.PluginSet{"base": served{register: p.registerBase}, "device": served{register: p.registerDevice}},
		GRPCServer:      plugin.DefaultGRPCServer,
		Logger:          log,
	})
	return nil
}

// exitWithParent ends the program when its parent is no longer the given process: go-plugin leaves it running if the
// client is killed.
func exitWithParent(ctx context.Context, parent int) {
	tick := time.NewTicker(orphanPoll)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if os.Getppid() != parent {
				os.Exit(0) //nolint:gocritic // the ticker ends with the program
			}
		}
	}
}

// served is the server half of a go-plugin plugin, which has no client half.
type served struct {
	plugin.NetRPCUnsupportedPlugin
	register func(*grpc.Server)
}

// GRPCServer implements plugin.GRPCPlugin.
func (s served) GRPCServer(_ *plugin.GRPCBroker, g *grpc.Server) error {
	s.register(g)
	return nil
}

// GRPCClient implements plugin.GRPCPlugin.
func (served) GRPCClient(context.Context, *plugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, errors.New(Name + " only serves")
}

func (d *devices) registerBase(g *grpc.Server) {
	pluginpb.RegisterBasePluginServer(g, base{devices: d})
}
func (d *devices) registerDevice(g *grpc.Server) { pluginpb.RegisterDevicePluginServer(g, d) }
