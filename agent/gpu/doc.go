// Package gpu reads the health of NVIDIA GPUs through NVML, the driver's own library.
//
// It is not a scheduler: which GPU belongs to which task is Nomad's decision. Nomad's device plugin reports every GPU as
// healthy, so a broken one is detected here.
//
// NVML needs cgo and the driver's library, libnvidia-ml.so.1, which is loaded at run time. If either is missing, [Open]
// returns a reader that reports no GPUs and the reason; nothing else changes.
//
// # When a GPU is unhealthy
//
//   - It does not answer: NVML reports GPU_IS_LOST, or the handle can't be read at all.
//   - It reported a critical XID error since the agent started. XIDs that applications cause (13, 31, 43, 45, 68, 109)
//     don't count, as in NVIDIA's own device plugin for Kubernetes.
//   - Row remapping failed, or retired pages are pending: memory is broken until the GPU is replaced or reset.
//
// The oldest GPUs that NVML supports have no XID events; for them only the other two conditions apply.
package gpu
