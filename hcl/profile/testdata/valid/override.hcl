# Pools of one machine, each with something otherwise.
machine "standard" {
  kind  = "gpu"
  image = "registry.example/m:1"
  env   = { LOG_LEVEL = "info", REGION = "eu" }
  resources {
    cpu    = 2000
    memory = "8GiB"
  }
  gpu { count = 1 }
  agent { redis = "redis://localhost:6379" }
  service "comfyui" {
    per  = "gpu"
    port = "http"
    args = ["--fast"]
  }
  worker "comfyui" {
    connector = "comfyui"
    service   = "comfyui"
  }
}

pool "standard" {
  machine = machine.standard
  size { max = 4 }
}

pool "canary" {
  machine = machine.standard
  size { max = 1 }
  override {
    image = "registry.example/m:2"
    env   = { LOG_LEVEL = "debug" }
    resources { memory = "16GiB" }
    service "comfyui" { args = ["--careful"] }
  }
}

# The CPU-only form: it serves jobs that ask for no GPU, where no GPU is free.
pool "cpu" {
  machine = machine.standard
  size { max = 2 }
  override {
    gpu { count = 0 }
  }
}
