machine "m" {
  kind       = "api"
  image      = 5       # error: Wrong type for "image"; It takes a string, and this is a number.; Put it in quotes: image = "5".
  start_time = 30      # error: Wrong type for "start_time"; Write it with its unit: start_time = "30s".
  env        = ["A=1"] # error: Wrong type for "env"; It takes a map of environment variables, such as { LOG_LEVEL = "info" }, and this is a list.
  resources {
    cpu    = "1000" # error: Wrong type for "cpu"; It takes a whole number, and this is a string.; Leave out the quotes: cpu = 1000.
    memory = 4096   # error: Wrong type for "memory"; Write it with its unit: memory = "4096MiB".
  }
  agent { redis = "redis://localhost:6379" }
  worker "w" {
    connector    = "simulation"
    concurrency  = 1.5                  # error: Wrong type for "concurrency"; Leave out the fraction.
    capabilities = "cuda"               # error: Wrong type for "capabilities"; Write capabilities = ["cuda"].
    offers       = { model = { a = 1 } } # error: Wrong type for "model"; A capability is a string, a number, a bool or a list of strings, and this is a map.
    settings     = { speed = [1] }      # error: Wrong type for "speed"
  }
}

pool "p" {
  machine = "m" # error: Wrong type for "machine"; It takes a reference to a machine block, such as machine.gpu, and this is a string.
  size { max = true } # error: Wrong type for "max"; this is a bool.
}
