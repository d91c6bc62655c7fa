# Whose pools these are. It may stand anywhere, in any of a profile's files.
machine "sim" {
  kind  = "api"
  image = "registry.example/machine:1"
  resources {
    cpu    = 500
    memory = "256MiB"
  }
  agent { redis = "redis://redis.example:6379" }
  worker "sim" { connector = "simulation" }
}

project "emprops" {}

pool "sim" {
  machine = machine.sim
  size { max = 1 }
}
