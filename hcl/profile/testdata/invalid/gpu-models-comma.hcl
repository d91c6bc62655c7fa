# Nomad takes a list of names with commas between them.
machine "gpu" {
  kind  = "gpu"
  image = "registry.example/m:1"
  resources {
    cpu    = 2000
    memory = "8GiB"
  }
  gpu {
    count = 1
    models = ["NVIDIA L4, L40S", "A100"] # error: "NVIDIA L4, L40S" is not a model name
  }
  agent {
    redis = "redis://localhost:6379"
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
