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
    group { max_run_durration = "1h" } # error: Nomad has no "max_run_durration" here; It is unknown in the group.; Did you mean "max_run_duration"?
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
