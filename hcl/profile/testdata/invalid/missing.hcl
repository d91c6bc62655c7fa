machine "m" { # error: Missing argument "kind"; Write kind = "gpu", "api" or "hybrid". # error: Missing argument "image" # error: The machine has no worker
  resources { # error: Missing argument "memory"; A resources block must have it. # error: Missing argument "cpu"; cpu = 2000 (MHz), or cores = 2.
  }
  agent {} # error: The agent has no queue; Write agent { redis = "redis://host:6379" }, or env = { MACHINE_REDIS_URL = secret("path", "key") }.
}

machine "n" { # error: Missing block "resources"
  kind   = "api"
  driver = "exec"
  agent { redis = "redis://localhost:6379" }
  service "s" { # error: Missing argument "command"; this machine's driver is exec.
  }
  setup {} # error: Missing argument "command"
  worker "w" {} # error: Missing argument "connector"; "comfyui" or "simulation".
}

pool "p" {} # error: Missing argument "machine"; Write machine = machine.<name>. # error: Missing block "size"

pool "q" {
  machine = machine.n
  size { min = 1 } # error: Missing argument "max"
}
