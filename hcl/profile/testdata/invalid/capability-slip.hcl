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
    capabilities = ["vidoe"] # warning: Capability "vidoe" is spelled unlike any other worker's; Did you mean "video"?
  }
  worker "b" {
    connector    = "simulation"
    capabilities = ["video"]
  }
  worker "c" {
    connector    = "simulation"
    capabilities = ["video"]
  }
}

pool "p" {
  machine = machine.gpu
  size {
    max = 1
  }
}
