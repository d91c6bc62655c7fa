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
      scaling { max = 3 } # error: "scaling" can't be set here
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
