machine "m" {
  kind   = "api"
  driver = "raw_exec"
  image  = "registry.example/m:1" # error: The driver raw_exec takes no image; It is for "docker".
  resources {
    cpu    = 1000
    cores  = 2 # error: Both cpu and cores
    memory = "1GiB"
  }
  agent { redis = "redis://localhost:6379" }
  service "s" {
    command = "/bin/s"
    image   = "registry.example/s:1" # error: The driver raw_exec takes no image
  }
  worker "w" { connector = "simulation" }
}

pool "p" {
  machine = machine.m
  size { max = 1 }
}
