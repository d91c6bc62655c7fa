# raw_exec mounts nothing.
machine "gpu" {
  kind  = "gpu"
  driver = "raw_exec"
  resources {
    cpu    = 2000
    memory = "8GiB"
  }
  gpu {
    count = 1
  }
  volume "models" { # error: A volume without isolation; use the path on the host
    path = "/models"
  }
  agent {
    redis = "redis://localhost:6379"
  }
  service "comfyui" {
    per  = "gpu"
    port = "http"
    command = "/bin/c"
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
