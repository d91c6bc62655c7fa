//go:build !linux || !cgo

package gpu

import "github.com/emprops/machinectl/queue"

// Reader reports no GPUs in this build.
type Reader struct{}

// Open returns a reader that explains why it reports no GPUs.
func Open() *Reader { return &Reader{} }

// Read returns no GPUs and the reason.
func (*Reader) Read() ([]queue.GPUStatus, string) {
	return nil, "GPU health can't be read: this agent was built without cgo, which NVML needs"
}

// Close does nothing.
func (*Reader) Close() {}
