# A module does not see the locals of the file that uses it, nor that file the module's.
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
  inputs = { image = local.listen } # error: Unknown local value "listen"
}

pool "p" {
  machine = machine.gpu
  size {
    max = 1
  }
}
