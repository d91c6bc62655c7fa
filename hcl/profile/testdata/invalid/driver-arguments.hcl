machine "m" {
  kind   = "api"
  driver = "exec"
  resources {
    cpu    = 500
    memory = "1GiB"
  }
  agent { redis = "redis://localhost:6379" }
  service "s" {
    command    = "/bin/s"
    shm_size   = "1GiB" # error: The driver exec takes no shm_size; It is for "docker".
    privileged = false  # error: The driver exec takes no privileged
  }
  worker "w" { connector = "simulation" }
}
