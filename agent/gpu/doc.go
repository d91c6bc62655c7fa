// Package gpu reads the health of NVIDIA GPUs through NVML, the driver's own library.
//
// It is not a scheduler: which GPU belongs to which task is Nomad's decision. Nomad's device plugin reports every GPU as
// healthy, so this is where a broken one is noticed.
//
// NVML needs cgo and the driver's library, libnvidia-ml.so.1, which is loaded at run time. Where either is missing,
// [Open] returns a reader that sees nothing and says why; nothing else changes.
//
// # When a GPU is unhealthy
//
//   - It does not answer: NVML reports GPU_IS_LOST, or the handle can't be read at all.
//   - It reported a critical XID error since the agent started. XIDs that an application causes by itself (13, 31, 43, 45, 68,
//     109) don't count, as in NVIDIA's own device plugin for Kubernetes.
//   - Row remapping failed, or retired pages are pending: memory is broken until the GPU is replaced or reset.
//
// XID events need a newer GPU than the oldest NVML knows; where they aren't supported, the other two remain.
package gpu
