machine "m" {
  kind   = "api"
  driver = "raw_exec"
  image  = "registry.example/m:1" # error: Image without docker; The driver raw_exec runs programs of the host and takes no image.
  resources {
    cpu    = 1000
    cores  = 2 # error: Both cpu and cores
    memory = "1GiB"
  }
  agent { redis = "redis://localhost:6379" }
  service "s" {
    command = "/bin/s"
    image   = "registry.example/s:1" # error: Image without docker
  }
  worker "w" { connector = "simulation" }
}

pool "p" {
  machine = machine.m
  size { max = 1 }
}
