machine "m" {
  kind  = "api"
  image = "registry.example/m:1"
  imgae = "registry.example/m:2" # error: Unknown argument "imgae"; A machine block has no argument of this name.; Did you mean "image"?
  resources {
    cpu     = 1000
    memory  = "1GiB"
    memmory = "2GiB" # error: Unknown argument "memmory"; A resources block has no argument of this name.; Did you mean "memory"?
  }
  agent { redis = "redis://localhost:6379" }
  worker "w" {
    connector    = "simulation"
    capabilites  = ["a"] # error: Did you mean "capabilities"?
    something    = 1     # error: Known here: connector, service, concurrency, count, capabilities, offers, settings.
  }
}

pool "p" {
  machine = machine.m
  size { max = 1 }
  colour = "blue" # error: Unknown argument "colour"
}
