# The item becomes part of the pool's name.
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

pool "p" {
  for_each = ["eu_west"] # error: "p-eu_west" is not a valid pool name; Write "p-eu-west".
  machine = machine.gpu
  size {
    max = 1
  }
}
