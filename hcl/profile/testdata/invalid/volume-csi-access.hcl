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
  volume "models" {
    type            = "csi"
    path            = "/models"
    access_mode     = "multi-node-reader" # error: Unknown access_mode "multi-node-reader"; Did you mean "multi-node-reader-only"?
    attachment_mode = "file-system"
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
