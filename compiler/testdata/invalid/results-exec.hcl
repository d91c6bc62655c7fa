machine "m" {
  kind   = "api"
  driver = "exec"
  env    = { MACHINE_BLOB_URL = "file:///var/x" }
  resources {
    cpu    = 500
    memory = "256MiB"
  }
  agent { # error: Results would stay in the task's directory; /var/x; chroot; volume "results"
    redis = "redis://redis.example:6379"
  }
  worker "w" { connector = "simulation" }
}
pool "p" {
  machine = machine.m
  size { max = 1 }
}
