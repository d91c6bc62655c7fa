# The names of the instances follow from the pool's, which is reported once.
machine "m" {
  kind  = "api"
  image = "registry.example/m:1"
  resources {
    cpu    = 2000
    memory = "8GiB"
  }
  agent { redis = "redis://localhost:6379" }
  worker "w" { connector = "simulation" }
}

pool "Lane" { # error: "Lane" is not a valid pool name; Write "lane".
  for_each = ["a", "b"]
  machine  = machine.m
  size { max = 1 }
}
