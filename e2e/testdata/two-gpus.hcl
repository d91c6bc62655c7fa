# One machine with two simulated GPUs and a simulated ComfyUI on each.

variable "agent" { type = string }
variable "redis" { type = string }
variable "blobs" { type = string }
variable "sim" { type = string }

machine "gpu" {
  kind       = "gpu"
  driver     = "raw_exec"
  start_time = "5s"

  resources {
    cpu    = 400
    memory = "512MiB"
  }
  gpu {
    count = 2
  }
  agent {
    command = var.agent
    redis   = var.redis
    blobs   = var.blobs
    grace   = "20s"
  }
  service "comfyui" {
    per     = "gpu"
    port    = "http"
    command = var.sim
    args    = ["comfyui", "-listen", self.addr]
    ready {
      path     = "/system_stats"
      interval = "1s"
      timeout  = "1s"
    }
  }
  worker "comfyui" {
    connector = "comfyui"
    service   = "comfyui"
  }
}

pool "gpus" {
  machine = machine.gpu
  size {
    min = 1
    max = 1
  }
}
