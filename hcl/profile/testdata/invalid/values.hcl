machine "m" {
  kind       = "gpus"      # error: Unknown kind "gpus"; It is one of "gpu", "api" or "hybrid".; Did you mean "gpu"?
  driver     = "podman"    # error: Unknown driver "podman"
  image      = "registry.example/m:1"
  start_time = "soon"      # error: "soon" is not a duration; Write, for example, start_time = "30s" or "1h30m".
  env        = { "1A" = "x", NOMAD_REGION = "y", N = null } # error: "1A" is not a valid name of an environment variable # error: "NOMAD_REGION" is set by Nomad # error: Wrong type for "N"
  resources {
    cpu    = 0      # error: "cpu" is too small; It is 0, and the least is 1.
    memory = "4 gigs" # error: "4 gigs" is not a size; the unit "gigs" is unknown
    disk   = "300"  # error: "300" is not a size; the unit is missing
  }
  agent {
    redis = "http://localhost" # error: The agent's redis is not a Redis URL
    blobs = "/srv/blobs"       # error: The agent's blobs is not the URL of a store for results
    grace = "0s"               # error: "grace" must be longer than nothing
  }
  worker "w" {
    connector    = "comfy"          # error: Unknown connector "comfy"; Did you mean "comfyui"?
    concurrency  = 5000             # error: "concurrency" is too large; the most is 1000.
    capabilities = ["has space"]    # error: "has space" is not a capability name
    offers       = { "GPU Mem" = 1 } # error: "GPU Mem" is not a valid name of a capability with a value
  }
}

pool "p" {
  machine  = machine.m
  priority = 101 # error: "priority" is too large
  size {
    min = 5 # error: The pool's least size is above its largest; min is 5 and max is 2.
    max = 2
  }
  scale {
    target_wait = "-5s" # error: "target_wait" must be longer than nothing
  }
}

pool "q" {
  machine = machine.m
  size { max = 0 } # error: "max" is too small; It is 0, and the least is 1.
}
