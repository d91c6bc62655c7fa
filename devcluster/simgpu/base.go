package simgpu

import (
	"context"
	"fmt"
	"strconv"

	"github.com/vmihailenco/msgpack/v5"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/emprops/machinectl/devcluster/gpu"
	"github.com/emprops/machinectl/devcluster/simgpu/pluginpb"
)

// apiVersion is the supported version of the device plugin API.
const apiVersion = "v0.1.0"

// base identifies the plugin and receives its configuration.
type base struct {
	pluginpb.UnimplementedBasePluginServer
	devices *devices
}

// PluginInfo implements pluginpb.BasePluginServer.
func (base) PluginInfo(context.Context, *pluginpb.PluginInfoRequest) (*pluginpb.PluginInfoResponse, error) {
	return &pluginpb.PluginInfoResponse{
		Type: pluginpb.PluginType_DEVICE, PluginApiVersions: []string{apiVersion}, PluginVersion: "0.1.0-simulated", Name: "simgpu",
	}, nil
}

// ConfigSchema implements pluginpb.BasePluginServer.
func (base) ConfigSchema(context.Context, *pluginpb.ConfigSchemaRequest) (*pluginpb.ConfigSchemaResponse, error) {
	d := gpu.Spec{}.Defaults()
	attrs := map[string]*pluginpb.Spec{
		"count":        attr("count", "number", "1"),
		"model":        attr("model", "string", strconv.Quote(d.Model)),
		"memory":       attr("memory", "number", strconv.Itoa(d.Memory)),
		"driver":       attr("driver", "string", strconv.Quote(d.Driver)),
		"control_file": attr("control_file", "string", `""`),
	}
	spec := &pluginpb.Spec{Block: &pluginpb.Spec_Object{Object: &pluginpb.Object{Attributes: attrs}}}
	return &pluginpb.ConfigSchemaResponse{Spec: spec}, nil
}

// attr returns an optional attribute with a default, which is an HCL expression.
func attr(name, kind, def string) *pluginpb.Spec {
	primary := &pluginpb.Spec{Block: &pluginpb.Spec_Attr{Attr: &pluginpb.Attr{Name: name, Type: kind}}}
	literal := &pluginpb.Spec{Block: &pluginpb.Spec_Literal{Literal: &pluginpb.Literal{Value: def}}}
	return &pluginpb.Spec{Block: &pluginpb.Spec_Default{Default: &pluginpb.Default{Primary: primary, Default: literal}}}
}

// SetConfig implements pluginpb.BasePluginServer.
func (b base) SetConfig(_ context.Context, req *pluginpb.SetConfigRequest) (*pluginpb.SetConfigResponse, error) {
	spec, err := decodeConfig(req.GetMsgpackConfig())
	if err == nil {
		err = spec.Validate()
	}
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	b.devices.configure(spec)
	return &pluginpb.SetConfigResponse{}, nil
}

// decodeConfig decodes the config block as Nomad sends it: a msgpack map whose numbers may be of any kind. Empty input
// means one GPU with the defaults.
func decodeConfig(b []byte) (gpu.Spec, error) {
	spec := gpu.Spec{Count: 1}
	if len(b) == 0 {
		return spec.Defaults(), nil
	}
	var raw map[string]any
	if err := msgpack.Unmarshal(b, &raw); err != nil {
		return spec, fmt.Errorf("config: %w", err)
	}
	for name, v := range raw {
		var err error
		switch name {
		case "count":
			spec.Count, err = number(v)
		case "memory":
			spec.Memory, err = number(v)
		case "model":
			spec.Model, err = word(v)
		case "driver":
			spec.Driver, err = word(v)
		case "control_file":
			spec.ControlFile, err = word(v)
		default:
			err = fmt.Errorf("not known: want count, model, memory, driver or control_file")
		}
		if err != nil {
			return spec, fmt.Errorf("config: %s: %w", name, err)
		}
	}
	return spec.Defaults(), nil
}

func number(v any) (int, error) {
	n, err := strconv.ParseFloat(fmt.Sprint(v), 64)
	if err != nil || n != float64(int(n)) {
		return 0, fmt.Errorf("%v is not a whole number", v)
	}
	return int(n), nil
}

func word(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case []byte:
		return string(v), nil
	case nil:
		return "", nil
	}
	return "", fmt.Errorf("%v is not a text", v)
}
