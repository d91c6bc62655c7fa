# One missing port, which three things need.
machine "m" {
  kind  = "api"
  image = "registry.example/m:1"
  resources {
    cpu    = 2000
    memory = "8GiB"
  }
  agent { redis = "redis://localhost:6379" }
  service "comfyui" {
    args = ["--port", self.port]
    ready { path = "/" } # error: Readiness without a port; Write port = "http" in the service.
  }
  worker "w" {
    connector = "comfyui"
    service   = "comfyui"
  }
}

pool "p" {
  machine = machine.m
  size { max = 1 }
}
