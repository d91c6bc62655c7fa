# What the language accepts is what an agent can run; so are a connector's settings.
machine "m" {
  kind  = "api"
  image = "i"
  resources {
    cpu    = 500
    memory = "256MiB"
  }
  agent { redis = "redis://localhost:6379" }
  worker "a" { connector = "openai" }    # error: The connector "openai" is not available yet; No agent can run its jobs; "comfyui" or "simulation"
  worker "b" { connector = "http" }      # error: The connector "http" is not available yet
  worker "c" { connector = "comfy" }     # error: Unknown connector "comfy"; Did you mean "comfyui"?
  worker "d" { connector = "simulated" } # error: Unknown connector "simulated"; Did you mean "simulation"?
  worker "e" {
    connector = "simulation"
    settings  = { sped = 2 } # error: Unknown setting "sped"; The connector simulation has no setting; Did you mean "speed"?
  }
  worker "f" {
    connector = "simulation"
    settings = {
      speed        = 0    # error: Wrong value for "speed"; a number above 0
      keep_history = true # error: Unknown setting "keep_history"; Known here: speed.
    }
  }
  worker "g" {
    connector = "simulation"
    settings  = { speed = "fast" } # error: Wrong value for "speed"; this is "fast"; Write, for example, speed = 1.
  }
}

pool "p" {
  machine = machine.m
  size { max = 1 }
}
