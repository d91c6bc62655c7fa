// Command nomad-device-simgpu is a Nomad device plugin that offers simulated GPUs. See package simgpu.
package main

import (
	"fmt"
	"os"

	"github.com/emprops/machinectl/devcluster/simgpu"
)

func main() {
	if err := simgpu.Serve(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
