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
    grace = "1m" # warning: Longer than a Nomad client waits by default; max_kill_timeout = "1m5s"
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
