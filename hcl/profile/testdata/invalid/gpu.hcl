locals { redis = "redis://localhost:6379" }

machine "no-gpu" { # error: Missing block "gpu"; Machine "no-gpu" is of kind "gpu" and doesn't state which GPUs it needs.; Write gpu { count = 1 }, or kind = "api".
  kind  = "gpu"
  image = "registry.example/m:1"
  resources {
    cpu    = 1000
    memory = "1GiB"
  }
  agent { redis = local.redis }
  service "comfyui" {
    per  = "gpu"
    port = "http"
  }
  worker "w" {
    connector = "comfyui"
    service   = "comfyui"
  }
}

machine "api" {
  kind  = "api"
  image = "registry.example/m:1"
  resources {
    cpu    = 1000
    memory = "1GiB"
  }
  gpu { count = 1 } # error: GPU on an api machine; Remove the block, or write kind = "hybrid". # error: No service uses the GPUs
  agent { redis = local.redis }
  worker "w" { connector = "simulation" }
}

machine "api-per-gpu" {
  kind  = "api"
  image = "registry.example/m:1"
  resources {
    cpu    = 1000
    memory = "1GiB"
  }
  agent { redis = local.redis }
  service "s" { per = "gpu" } # error: A service per GPU, without GPUs
  worker "w" { connector = "simulation" }
}

machine "greedy" {
  kind  = "gpu"
  image = "registry.example/m:1"
  resources {
    cpu    = 1000
    memory = "1GiB"
  }
  gpu {
    count  = -1       # error: "count" is too small
    driver = "newest" # error: "newest" is not a version constraint; Write, for example, driver = ">= 550".
    device = "a//b"   # error: "a//b" is not a device name
  }
  agent { redis = local.redis }
  service "a" { per = "gpu" }
  service "b" { per = "gpu" } # error: Two services per GPU; Each GPU belongs to one task, and service "a" already has them.
  service "c" { per = "card" } # error: Unknown per "card"; It is one of "machine" or "gpu".
  service "a-gpu0" {} # error: The name "a-gpu0" is taken; It is the name of the task of service "a".
  worker "w" { connector = "simulation" }
}

pool "a" {
  machine = machine.no-gpu
  size { max = 1 }
}
