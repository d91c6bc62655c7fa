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

module "m" {
  source = "../modules/comfy"
  inputs = { image = "i" }
}

pool "p" {
  machine = module.m.machine.gpx # error: No item "gpx"; Did you mean "gpu"?
  size {
    max = 1
  }
}
