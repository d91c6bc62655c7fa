machine "m" {
  kind  = "api"
  image = "registry.example/m:1"
  resources {
    cpu    = 500
    memory = "256MiB"
  }
  agent { redis = "redis://redis.example:6379" }
  service "s" { port = "http" }
  worker "w" { connector = "simulation" }
  nomad {
    group { # error: A service in consul; "mesh"; provider = "nomad"
      service {
        name = "mesh"
        port = "s"
      }
    }
    task "s" { # error: A service in consul; "alone"
      service {
        name     = "alone"
        port     = "s"
        provider = "consul"
      }
    }
  }
}

pool "p" {
  machine = machine.m
  size { max = 1 }
}
