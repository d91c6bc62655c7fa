machine "m" {
  kind  = "api"
  image = local.image
  resources {
    cpu    = 500
    memory = "256MiB"
  }
  agent { redis = "redis://localhost:6379" }
  worker "w" { connector = "simulation" }
}
pool "first-in-name" {
  machine = machine.m
  size { max = var.max }
}
