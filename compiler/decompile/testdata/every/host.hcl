# What excludes something in container.hcl.
project "every" {}

machine "api" {
  kind   = "api"
  driver = "exec"
  resources {
    cores  = 6
    memory = "4GiB"
  }
  agent {
    artifact = "https://releases.example/machine-agent"
    redis    = "redis://localhost:6379"
    resources {
      cores  = 1
      memory = "256MiB"
    }
  }
  setup {
    command = "/bin/true"
    resources {
      cores  = 2
      memory = "64MiB"
    }
  }
  service "proxy" {
    command = "/usr/bin/proxy"
    resources {
      cores  = 3
      memory = "1GiB"
    }
  }
  service "cache" { command = "/usr/bin/cache" }
  worker "sim" {
    connector   = "simulation"
    count       = 2
    concurrency = 3
    settings    = { speed = "2" }
  }
  disconnect { lost_after = "3m" }
}

machine "models" {
  kind  = "gpu"
  image = "registry.example/machine:1"
  resources {
    cpu    = 4000
    memory = "32GiB"
  }
  gpu { models = ["NVIDIA H100 80GB HBM3", "NVIDIA A100-SXM4-80GB"] }
  agent { redis = "redis://localhost:6379" }
  service "comfyui" {
    per  = "gpu"
    port = "http"
  }
  worker "comfyui" {
    connector = "comfyui"
    service   = "comfyui"
  }
}

pool "api" {
  machine = machine.api
  size { max = 3 }
  scale { up_cooldown = "0s" }
}

pool "models" {
  machine = machine.models
  size { max = 3 }
}
