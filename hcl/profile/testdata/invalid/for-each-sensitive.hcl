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

variable "zones" {
  default   = ["eu-west"]
  sensitive = true
}

pool "p" {
  for_each = var.zones # error: for_each over a sensitive value
  machine = machine.gpu
  size {
    max = 1
  }
}
