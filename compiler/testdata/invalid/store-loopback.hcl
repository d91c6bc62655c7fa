machine "m" {
  kind  = "api"
  image = "registry.example/m:1"
  resources {
    cpu    = 500
    memory = "256MiB"
  }
  agent {
    redis = "redis://redis.example:6379"
    blobs = "s3://results?endpoint=http://s3.example:9000"
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
    agent { blobs = "s3://results?endpoint=http://127.0.0.1:9000&region=x" } # warning: The store's address is in the agent's own container; 127.0.0.1; network_mode = "host"
  }
  size { max = 1 }
}
pool "network" {
  machine = machine.m
  override {
    network { mode = "bridge" }
    agent { blobs = "s3://results?endpoint=http://localhost:9000" } # warning: The store's address is in the machine's own network; localhost
  }
  size { max = 1 }
}
pool "variable" {
  machine = machine.m
  override {
    agent { env = { MACHINE_BLOB_URL = "s3://results?endpoint=http://[::1]:9000" } } # warning: The store's address is in the agent's own container; ::1
  }
  size { max = 1 }
}
