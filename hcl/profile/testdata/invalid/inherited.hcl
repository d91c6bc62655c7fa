# An inherited mistake is reported once, where it stands.
machine "base" {
  start_time = "ages" # error: "ages" is not a duration
  resources {
    cpu    = 1000
    memory = "1GiB"
  }
  agent { redis = "redis://localhost:6379" }
  worker "w" {
    connector = "simulation"
    service   = "s" # error: No service "s"; Machine "a" has no service of this name.
  }
}
machine "a" {
  extends = machine.base
  kind    = "api"
  image   = "registry.example/m:1"
}
machine "b" { # error: Missing argument "image"
  extends = machine.base
  kind    = "api"
}
machine "c" {
  extends = machine.nothing # error: Unknown machine "nothing"
  kind    = "api"
  image   = "registry.example/m:1"
  resources {
    cpu    = 1000
    memory = "1GiB"
  }
  agent { redis = "redis://localhost:6379" }
  worker "w" { connector = "simulation" }
}
