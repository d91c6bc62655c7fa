# One pool of machines that run simulation jobs, small and quick to resize.

variable "agent" { type = string }
variable "redis" { type = string }
variable "blobs" { type = string }
variable "min" {
  type    = number
  default = 1
}
variable "max" {
  type    = number
  default = 3
}
variable "marker" {
  type        = string
  default     = "first"
  description = "A change of it is a new revision."
}

machine "sim" {
  kind       = "api"
  driver     = "raw_exec"
  start_time = "3s"
  env        = { MARKER = var.marker }

  resources {
    cpu    = 100
    memory = "96MiB"
  }
  agent {
    command = var.agent
    redis   = var.redis
    blobs   = var.blobs
    grace   = "20s"
  }
  worker "sim" {
    connector   = "simulation"
    concurrency = 1
  }
}

pool "simulation" {
  machine = machine.sim
  size {
    min = var.min
    max = var.max
  }
  scale {
    target_wait   = "3s"
    up_cooldown   = "1s"
    down_cooldown = "2s"
    idle_after    = "2s"
  }
}
