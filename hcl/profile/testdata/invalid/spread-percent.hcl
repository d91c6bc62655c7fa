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
  machine = machine.gpu
  placement {
    spread {
      attribute = "node.datacenter"
      target "a" { percent = 80 }
      target "b" { percent = 30 } # error: The targets are more than everything; Up to here they are 110 percent.
    }
  }
  size {
    max = 1
  }
}
