locals {
  image = "registry.example/m:1"
  image = ["cuda"] # error: Repeated argument "image"; Remove one of them.
}
machine "m" {
  kind  = "api"
  image = local.image
  resources {
    cpu    = 500
    memory = "256MiB"
  }
  agent { redis = "redis://localhost:6379" }
  worker "w" {
    connector    = "simulation"
    capabilities = local.flags
  }
}
pool "p" {
  machine = machine.m
  size { max = 1 }
}
