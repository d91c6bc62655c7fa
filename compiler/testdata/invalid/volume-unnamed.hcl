machine "gpu" {
  kind  = "gpu"
  image = "registry.example/m:1"
  resources {
    cpu    = 2000
    memory = "8GiB"
  }
  gpu {
    count = 1
  }
  nomad {
    group {
      volume { type = "host" } # error: The volume block needs a name
    }
  }
  agent {
    redis = "redis://redis.example:6379"
  }
  service "comfyui" {
    per  = "gpu"
    port = "http"
  }
  worker "comfyui" {
    connector = "comfyui"
    service   = "comfyui"
  }
}

pool "p" {
  machine = machine.gpu
  size {
    max = 1
  }
}
