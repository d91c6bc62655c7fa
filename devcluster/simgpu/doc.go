// Package simgpu is a Nomad device plugin that offers simulated GPUs, so that a real Nomad schedules devices on
// machines without any. Its program, nomad-device-simgpu, is cmd/simgpu.
//
// It offers the devices that package gpu describes: vendor nvidia, type gpu, and the attributes of NVIDIA's own plugin.
// Reserving devices sets NVIDIA_VISIBLE_DEVICES to their ids and does nothing else. Health is read from a control file.
//
// It is not for production, and the plugin's name and version show that it simulates. Invariants: the fingerprint
// stream stays open until the client closes it, because the devices would be gone until the client restarts; the
// program exits when its parent does, so that a killed client leaves no plugin behind.
package simgpu
