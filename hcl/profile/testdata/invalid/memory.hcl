locals { redis = "redis://localhost:6379" }

machine "explicit" {
  kind  = "gpu"
  image = "registry.example/m:1"
  resources {
    cpu    = 4000
    memory = "32GiB" # error: The machine's memory is too small; The agent and 2 × comfyui get 61568MiB, and the machine has 32GiB.; Write memory = "61568MiB" or more.
  }
  gpu { count = 2 }
  agent { redis = local.redis }
  service "comfyui" {
    per  = "gpu"
    port = "http"
    resources { memory = "30GiB" }
  }
  worker "w" {
    connector = "comfyui"
    service   = "comfyui"
  }
}

machine "shared" {
  kind  = "api"
  image = "registry.example/m:1"
  resources {
    cpu    = 100       # error: The machine's cpu is too small; The agent gets 100 MHz of 100 MHz. 1 more would share what is left, and each needs at least 1 MHz.; Write cpu = 101 or more.
    memory = "130MiB" # error: The machine's memory is too small; The agent gets 128MiB of 130MiB.
  }
  agent { redis = local.redis }
  setup {
    command = "true"
    resources { memory = "1GiB" } # error: The setup needs more memory than the machine has
  }
  service "s" {}
  worker "w" { connector = "simulation" }
}

machine "cores" {
  kind  = "gpu"
  image = "registry.example/m:1"
  resources {
    cores  = 3 # error: The machine has too few cores; Write cores = 4 or more.
    memory = "8GiB"
  }
  gpu { count = 4 }
  agent { redis = local.redis }
  service "s" { per = "gpu" }
  worker "w" { connector = "simulation" }
}

pool "a" {
  machine = machine.explicit
  size { max = 1 }
}
