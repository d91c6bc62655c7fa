# The rules of merging for blocks: namesakes are merged, repeated ones are added, a nomad block's content keeps its order.
machine "base" {
  image = "registry.example/m:1"
  resources {
    cpu    = 2000
    memory = "8GiB"
  }
  gpu {
    count  = 2
    models = ["NVIDIA L4", "NVIDIA L40S"]
    affinity {
      attribute = "device.model"
      value     = "NVIDIA L4"
    }
  }
  volume "models" {
    source = "slow"
    path   = "/models"
  }
  agent { redis = "redis://localhost:6379" }
  service "comfyui" {
    per  = "gpu"
    port = "http"
    artifact { source = "https://a.example/1" }
    restart { attempts = 1 }
    logs { files = 7 }
  }
  worker "w" {
    connector = "comfyui"
    service   = "comfyui"
  }
  disconnect { lost_after = "1m" }
  nomad {
    group { meta = { a = "base", b = "base" } }
    task "agent" { user = "base" }
  }
}

machine "fast" {
  extends = machine.base
  kind    = "gpu"
  gpu {
    models = null
    model  = "NVIDIA H100 NVL"
    mig    = "3g.47gb"
    affinity {
      attribute = "device.attr.memory"
      operator  = ">"
      value     = "40 GiB"
      weight    = 10
    }
  }
  volume "models" { source = "nvme" }
  volume "cache" {
    path      = "/cache"
    read_only = false
  }
  service "comfyui" {
    artifact { source = "https://a.example/2" }
    restart { delay = "7s" }
  }
  disconnect {
    lost_after = null
    stop_after = "2m"
  }
  nomad {
    group { meta = { b = "fast" } }
    task "comfyui" { user = "fast" }
  }
}

pool "fast" {
  machine = machine.fast
  size { max = 1 }
  override {
    gpu { count = 1 }
    nomad {
      group { meta = { c = "override" } }
    }
  }
  nomad {
    task "agent" { user = "pool" }
  }
}
