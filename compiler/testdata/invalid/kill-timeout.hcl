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
  agent {
    redis = "redis://redis.example:6379"
  }
  service "comfyui" {
    per  = "gpu"
    kill_timeout = "45s" # warning: Longer than a Nomad client waits by default; max_kill_timeout = "45s"
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
