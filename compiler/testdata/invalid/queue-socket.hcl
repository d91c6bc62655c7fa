machine "m" {
  kind  = "api"
  image = "registry.example/m:1"
  resources {
    cpu    = 500
    memory = "256MiB"
  }
  agent {
    redis = "unix:///run/redis/redis.sock" # error: The queue's socket is not in the container; /run/redis/redis.sock; volume
  }
  worker "w" { connector = "simulation" }
}
pool "p" {
  machine = machine.m
  size { max = 1 }
}
