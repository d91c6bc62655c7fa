# Two blocks make workers of one name.
machine "gpu" { # error: Two workers with one name; make two workers named "sim0"
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
    port = "http"
  }
  worker "comfyui" {
    connector = "comfyui"
    service   = "comfyui"
  }
  worker "sim" {
    connector = "simulation"
    count     = 2
  }
  worker "sim0" { connector = "simulation" }
}

pool "p" {
  machine = machine.gpu
  size {
    max = 1
  }
}
