# One machine whose agent and simulated ComfyUI run in containers.

variable "agent" { type = string }
variable "redis" { type = string }
variable "blobs" { type = string }
variable "image" { type = string }

locals {
  # The agent is on the image; what the other profiles need of these variables is not needed here.
  unused = [var.agent, var.blobs]
}

machine "container" {
  kind       = "gpu"
  driver     = "docker"
  image      = var.image
  start_time = "5s"

  resources {
    cpu    = 400
    memory = "512MiB"
  }
  gpu {
    count = 1
  }
  agent {
    redis = var.redis
    blobs = "file:///tmp/blobs"
    grace = "10s"
  }
  service "comfyui" {
    per     = "gpu"
    port    = "http"
    command = "machine-agent"
    args    = ["comfyui-sim", "-listen", ":${self.port}"]
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

pool "containers" {
  machine = machine.container
  size {
    min = 1
    max = 1
  }
}
