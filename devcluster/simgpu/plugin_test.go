package simgpu

import (
	"context"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/stretchr/testify/require"
	"github.com/vmihailenco/msgpack/v5"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/emprops/machinectl/devcluster/gpu"
	"github.com/emprops/machinectl/devcluster/simgpu/pluginpb"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// dial serves the plugin and connects to it as a Nomad client does after the handshake.
func dial(t *testing.T) *grpc.ClientConn {
	t.Helper()
	d := newDevices(hclog.NewNullLogger())
	srv, l := grpc.NewServer(), bufconn.Listen(1<<16)
	d.registerBase(srv)
	d.registerDevice(srv)
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	conn, err := grpc.NewClient("passthrough:plugin", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(context.Context, string) (net.Conn, error) { return l.Dial() }))
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, conn.Close())
		srv.Stop()
		require.NoError(t, <-served)
	})
	return conn
}

func configure(t *testing.T, conn *grpc.ClientConn, config map[string]any) error {
	t.Helper()
	b, err := msgpack.Marshal(config)
	require.NoError(t, err)
	_, err = pluginpb.NewBasePluginClient(conn).SetConfig(t.Context(), &pluginpb.SetConfigRequest{MsgpackConfig: b})
	return err
}

func TestConfigIsChecked(t *testing.T) {
	conn := dial(t)
	for want, config := range map[string]map[string]any{
		"colour: not known":         {"colour": "red"},
		"count: 1.5 is not a whole": {"count": 1.5},
		"model: 7 is not a text":    {"model": 7},
		"count 65":                  {"count": 65},
	} {
		err := configure(t, conn, config)
		require.Equal(t, codes.InvalidArgument, status.Code(err))
		require.ErrorContains(t, err, want)
	}
	spec, err := decodeConfig(nil)
	require.NoError(t, err)
	require.Equal(t, gpu.Spec{Count: 1}.Defaults(), spec)
	_, err = decodeConfig([]byte{0xc1})
	require.Error(t, err)
	info, err := pluginpb.NewBasePluginClient(conn).PluginInfo(t.Context(), &pluginpb.PluginInfoRequest{})
	require.NoError(t, err)
	require.Equal(t, pluginpb.PluginType_DEVICE, info.GetType())
	schema, err := pluginpb.NewBasePluginClient(conn).ConfigSchema(t.Context(), &pluginpb.ConfigSchemaRequest{})
	require.NoError(t, err)
	require.Len(t, schema.GetSpec().GetObject().GetAttributes(), 5)
}

// TestFingerprintFollowsHealth: the stream sends all GPUs immediately, and again when the health of one changes.
func TestFingerprintFollowsHealth(t *testing.T) {
	conn, file := dial(t), filepath.Join(t.TempDir(), "health")
	require.NoError(t, configure(t, conn, map[string]any{"count": int8(2), "model": []byte("Test GPU"), "memory": 1000.0, "driver": "1.2", "control_file": file}))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	stream, err := pluginpb.NewDevicePluginClient(conn).Fingerprint(ctx, &pluginpb.FingerprintRequest{})
	require.NoError(t, err)
	next := func() []*pluginpb.DetectedDevice {
		r, err := stream.Recv()
		require.NoError(t, err)
		require.Len(t, r.GetDeviceGroup(), 1)
		g := r.GetDeviceGroup()[0]
		require.Equal(t, "Test GPU", g.GetDeviceName())
		require.Equal(t, int64(1000), g.GetAttributes()["memory"].GetIntVal())
		require.Equal(t, "1.2", g.GetAttributes()["driver_version"].GetStringVal())
		require.Len(t, g.GetDevices(), 2)
		return g.GetDevices()
	}
	require.True(t, next()[1].GetHealthy())
	require.NoError(t, gpu.WriteHealth(file, map[int]string{1: "Xid 79"}))
	got := next()
	require.True(t, got[0].GetHealthy())
	require.False(t, got[1].GetHealthy())
	require.Equal(t, "Xid 79", got[1].GetHealthDescription())
	require.NoError(t, gpu.WriteHealth(file, nil))
	require.True(t, next()[1].GetHealthy())
}

func TestReserveAndStats(t *testing.T) {
	conn := dial(t)
	require.NoError(t, configure(t, conn, map[string]any{"count": 2}))
	client := pluginpb.NewDevicePluginClient(conn)
	res, err := client.Reserve(t.Context(), &pluginpb.ReserveRequest{DeviceIds: []string{gpu.ID(1), gpu.ID(0)}})
	require.NoError(t, err)
	require.Equal(t, gpu.ID(1)+","+gpu.ID(0), res.GetContainerRes().GetEnvs()[gpu.EnvVisible])
	for _, wrong := range [][]string{nil, {"GPU-unknown"}, {gpu.ID(2)}} {
		_, err = client.Reserve(t.Context(), &pluginpb.ReserveRequest{DeviceIds: wrong})
		require.Equal(t, codes.InvalidArgument, status.Code(err), wrong)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	stream, err := client.Stats(ctx, &pluginpb.StatsRequest{CollectionInterval: durationpb.New(time.Millisecond)})
	require.NoError(t, err)
	for range 2 {
		r, err := stream.Recv()
		require.NoError(t, err)
		require.Len(t, r.GetGroups()[0].GetInstanceStats(), 2)
		require.Equal(t, int64(24564), r.GetGroups()[0].GetInstanceStats()[gpu.ID(0)].GetSummary().GetIntDenominatorVal().GetValue())
	}
}

func TestServeByHand(t *testing.T) {
	require.ErrorContains(t, Serve(), "put it in the client's plugin_dir")
}
