machine "m" {
  kind  = "api"
  image = "registry.example/m:1"
  resources {
    cpu    = 500
    memory = "256MiB"
  }
  volume "results" {
    path      = "/srv/results"
    read_only = false
  }
  volume "models" { path = "/models" }
  agent {
    redis = "redis://redis.example:6379"
    blobs = "file:///var/x" # error: Results would stay in the container; /var/x; deleted with the machine; volume "results"; path = "/var/x"; read_only = false; s3://<bucket>
  }
  worker "w" { connector = "simulation" }
}
pool "p" {
  machine = machine.m
  size { max = 1 }
}
# Beside a mounted folder is not below it.
pool "beside" {
  machine = machine.m
  override {
    agent { blobs = "file:///srv/results-of-mine/a" } # error: Results would stay in the container
  }
  size { max = 1 }
}
pool "dotted" {
  machine = machine.m
  override {
    agent { blobs = "file:///srv/./x" } # error: Results would stay in the container; /srv/x
  }
  size { max = 1 }
}
pool "read-only" {
  machine = machine.m
  override {
    agent { blobs = "file:///models/results" } # error: Results can't be written; read_only = false
  }
  size { max = 1 }
}
pool "allocation" {
  machine = machine.m
  override {
    agent { # error: Results would stay in the container; /alloc/results
      blobs = null
      env   = { MACHINE_BLOB_URL = "file://${nomad.alloc_dir}/results" }
    }
  }
  size { max = 1 }
}
# The host's folder of that name is not a mount, where Nomad itself is to make it.
pool "relative-bind" {
  machine = machine.m
  override {
    agent { blobs = "file:///data" } # error: Results would stay in the container
    nomad {
      task "agent" {
        config { volumes = ["data:/data"] }
      }
    }
  }
  size { max = 1 }
}
