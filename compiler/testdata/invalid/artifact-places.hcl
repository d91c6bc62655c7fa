machine "m" {
  kind  = "api"
  image = "registry.example/m:1"
  resources {
    cpu    = 500
    memory = "256MiB"
  }
  agent {
    artifact = "file:///opt/agent" # error: Nomad can't fetch artifacts from the host; into the image
    redis    = "redis://redis.example:6379"
  }
  service "s" {
    command = "local/serve"
    args    = ["--config", "local/etc/serve.toml"]
    artifact { # error: Nomad can't fetch artifacts from the host; volume
      source = "/opt/serve"
    }
    artifact { # error: The container doesn't see the artifact; destination = "local/models"
      source      = "https://files.example/models.tar.gz"
      destination = "models"
    }
  }
  worker "w" { connector = "simulation" }
}
pool "p" {
  machine = machine.m
  size { max = 1 }
}
