machine "m" {
  kind  = "api"
  image = "registry.example/m:1"
  resources {
    cpu    = 1000
    memory = "1GiB"
  }
  agent { redis = "redis://localhost:6379" }
  worker "w" { connector = "simulation" }
}

pool "p" {
  machine = machine.m
  size { min = 0, max = 10 } # error: Two arguments on one line; A block with more than one argument has each on a line of its own.
}
