machine "m" {
  kind  = "api"
  image = "registry.example/m:1"
  resources {
    cpu    = 500
    memory = "256MiB"
  }
  agent {
    redis = "redis://redis.example:6379"
  }
  worker "w" { connector = "simulation" }
}
pool "p" {
  machine = machine.m
  size { max = 1 }
}
pool "loopback" {
  machine = machine.m
  override {
    agent { redis = "redis://127.0.0.1:6379" } # warning: The queue's address is in the agent's own container; 127.0.0.1; network_mode = "host"
  }
  size { max = 1 }
}
pool "named" {
  machine = machine.m
  override {
    agent { redis = "rediss://redis.example:6379,rediss://localhost:6380" } # warning: The queue's address is in the agent's own container; localhost
  }
  size { max = 1 }
}
pool "network" {
  machine = machine.m
  override {
    network { mode = "bridge" }
    agent { redis = "redis://[::1]:6379" } # warning: The queue's address is in the machine's own network; ::1
  }
  size { max = 1 }
}
