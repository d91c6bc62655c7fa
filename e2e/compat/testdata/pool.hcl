# What each pair of releases runs: a pool that begins at zero, so that the dispatcher has to read its policy, and that goes
# back to it, so that a machine is drained.
variable "agent" {}
variable "redis" {}
variable "blobs" {}

machine "m" {
  kind   = "api"
  driver = "raw_exec"
  resources {
    cpu    = 50
    memory = "64MiB"
  }
  agent {
    command = var.agent
    redis   = var.redis
    blobs   = var.blobs
    grace   = "2s"
  }
  worker "w" {
    connector   = "simulation"
    concurrency = 2
    settings    = { speed = "10" }

    capabilities = ["fast"]
    offers       = { driver = "550" }
  }
}

pool "compat" {
  machine = machine.m
  size {
    min = 0
    max = 2
  }
  scale {
    target_wait   = "1s"
    up_cooldown   = "0s"
    down_cooldown = "0s"
    idle_after    = "1s"
  }
}
