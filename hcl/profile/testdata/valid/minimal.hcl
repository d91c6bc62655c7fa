# The least that is a profile: everything else has its default.
machine "sim" {
  kind  = "api"
  image = "registry.example/machine:1"
  resources {
    cpu    = 500
    memory = "256MiB"
  }
  agent { redis = "redis://localhost:6379" }
  worker "sim" { connector = "simulation" }
}

pool "sim" {
  machine = machine.sim
  size { max = 1 }
}
