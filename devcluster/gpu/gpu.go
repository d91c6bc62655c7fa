// Package gpu describes a simulated GPU: its name, the attributes that a scheduler sees, and whether it is healthy.
// Both the stand-in for Nomad and the device plugin for a real Nomad offer GPUs from this description, so that a
// profile is placed the same way on either.
//
// It computes nothing and does not simulate CUDA: a task that gets such a GPU gets an environment variable.
package gpu

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Vendor and Type are the same as in NVIDIA's own device plugin; a request is "nvidia/gpu".
const (
	Vendor = "nvidia"
	Type   = "gpu"
)

// EnvVisible is the environment variable that tells a task its devices: their ids, separated by commas.
const EnvVisible = "NVIDIA_VISIBLE_DEVICES"

// Spec describes the simulated GPUs of one node.
type Spec struct {
	Count  int    // may be 0
	Model  string // device name, "NVIDIA GeForce RTX 4090"
	Memory int    // MiB of each
	Driver string // driver version, "550.54.14"
	// ControlFile, if not empty, names a file that lists unhealthy GPUs: see [ReadHealth].
	ControlFile string
}

// Defaults returns the Spec with unset fields filled in.
func (s Spec) Defaults() Spec {
	if s.Model == "" {
		s.Model = "NVIDIA GeForce RTX 4090"
	}
	if s.Memory == 0 {
		s.Memory = 24564
	}
	if s.Driver == "" {
		s.Driver = "550.54.14"
	}
	return s
}

// Validate returns an error if the Spec is invalid.
func (s Spec) Validate() error {
	switch {
	case s.Count < 0 || s.Count > 64:
		return fmt.Errorf("simulated GPUs: count %d, want 0 to 64", s.Count)
	case s.Memory < 1:
		return fmt.Errorf("simulated GPUs: memory %d MiB, want at least 1", s.Memory)
	case s.Model == "":
		return errors.New("simulated GPUs: the model has no name")
	}
	return nil
}

// ID returns the device id of the i-th GPU, in the form of NVIDIA's UUIDs. It is the same in every run.
func ID(i int) string { return fmt.Sprintf("GPU-51a00000-0000-4000-8000-%012d", i) }

// BusID returns the PCI address of the i-th GPU.
func BusID(i int) string { return fmt.Sprintf("00000000:%02X:00.0", i+1) }

// Attr is one device attribute: an integer with a unit, or a text if Unit and Int are unset.
type Attr struct {
	Text string
	Int  int64
	Unit string
}

// Attributes returns the attributes that NVIDIA's plugin (1.1) reports, with the same names and units.
func (s Spec) Attributes() map[string]Attr {
	return map[string]Attr{
		"memory":           {Int: int64(s.Memory), Unit: "MiB"},
		"power":            {Int: 450, Unit: "W"},
		"bar1":             {Int: 256, Unit: "MiB"},
		"driver_version":   {Text: s.Driver},
		"cores_clock":      {Int: 3105, Unit: "MHz"},
		"memory_clock":     {Int: 10501, Unit: "MHz"},
		"pci_bandwidth":    {Int: 31504, Unit: "MB/s"},
		"display_state":    {Text: "Disabled"},
		"persistence_mode": {Text: "Enabled"},
	}
}

// ReadHealth reads the control file, a JSON object that maps the index of an unhealthy GPU to the reason: {"1": "Xid
// 79"}. A missing or empty file means that all GPUs are healthy.
func ReadHealth(file string) (map[int]string, error) {
	if file == "" {
		return map[int]string{}, nil
	}
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) || (err == nil && len(b) == 0) {
		return map[int]string{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("GPU control file: %w", err)
	}
	var sick map[int]string
	if err := json.Unmarshal(b, &sick); err != nil {
		return nil, fmt.Errorf("GPU control file %s: want an object such as {\"0\": \"reason\"}: %w", file, err)
	}
	return sick, nil
}

// WriteHealth replaces the control file atomically.
func WriteHealth(file string, sick map[int]string) error {
	b, err := json.Marshal(sick)
	if err != nil {
		return err
	}
	if err := os.WriteFile(file+".new", b, 0o600); err != nil {
		return fmt.Errorf("GPU control file: %w", err)
	}
	return os.Rename(file+".new", file)
}
