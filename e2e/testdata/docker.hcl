# One machine whose agent and simulated ComfyUI run in containers.

variable "agent" { type = string }
variable "redis" { type = string }
variable "blobs" { type = string }
variable "image" { type = string }
variable "sim" { type = string }

locals {
  # The image contains both programs, so this profile doesn't need these variables, which the other profiles use.
  unused = [var.agent, var.blobs, var.sim]
}

machine "container" {
  kind       = "api" # with a GPU, Nomad's docker driver requires the NVIDIA runtime
  driver     = "docker"
  image      = var.image
  start_time = "5s"

  resources {
    cpu    = 400
    memory = "512MiB"
  }
  agent {
    redis = var.redis
    blobs = "file:///tmp/blobs"
    grace = "10s"
  }
  service "comfyui" {
    port    = "http"
    command = "machine-sim"
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
  # The test's Nomad and Redis listen on the loopback interface, which only the host's network has.
  nomad {
    task "agent" {
      config { network_mode = "host" }
    }
    task "comfyui" {
      config { network_mode = "host" }
    }
  }
}

pool "containers" {
  machine = machine.container
  size {
    min = 1
    max = 1
  }
}
