machine "m" {
  kind  = "gpu"
  image = "registry.example/m:1"
  resources {
    cpu    = 1000
    memory = "1GiB"
  }
  gpu {}
  agent { redis = "redis://localhost:6379" }

  service "comfyui" {
    per  = "gpu"
    args = ["--port", self.port]
    ready { path = "system_stats" } # error: Readiness without a port # error: "system_stats" is not a path; Write path = "/system_stats".
  }
  service "numbered" {
    port = "8188" # error: "8188" is not a port label; The number is chosen by Nomad; pass self.port to the command.
  }
  service "single" {
    port = "http"
    args = ["--gpu=${self.gpu}"] # error: self.gpu without a GPU
  }

  worker "a" {
    connector = "comfyui"
    service   = "comfyui"
  }
  worker "b" {
    connector = "comfyui"
    service   = "comfui" # error: No service "comfui"; Did you mean "comfyui"?
  }
  worker "c" { # error: Missing argument "service"; The connector comfyui runs jobs on a service of the machine
    connector = "comfyui"
  }
  worker "d" {
    connector = "comfyui"
    service   = "single"
    count     = 2 # error: Both service and count
  }
}

pool "p" {
  machine = machine.m
  size { max = 1 }
}
