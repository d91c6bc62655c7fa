// Package simgpu is a Nomad device plugin that offers simulated GPUs, so that a real Nomad schedules devices on machines
// that have none. cmd/simgpu is its program, nomad-device-simgpu.
//
// It offers what package gpu describes: vendor nvidia, type gpu, the attributes of NVIDIA's own plugin. Reserving sets
// NVIDIA_VISIBLE_DEVICES to the ids of the reserved devices, and nothing else. Health follows a control file.
//
// It is not for production, and refuses to hide it: the plugin's name and version say that it simulates. Invariants: the
// fingerprint stream stays open as long as the client wants it (when it ends, the devices are gone until the client
// restarts); the program ends when its parent does, so that a killed client leaves no plugin behind.
package simgpu
