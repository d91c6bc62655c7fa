machine "m" {
  kind   = "api"
  driver = "raw_exec"
  resources {
    cpu    = 500
    memory = "256MiB"
  }
  setup { command = "./fetch" } # error: "./fetch" is not in the task's directory; With the driver raw_exec; absolute path
  agent {
    command = "bin/agent" # error: "bin/agent" is not in the task's directory
    redis   = "redis://127.0.0.1:6379"
  }
  service "named" { command = "python3" }
  service "local" { command = "local/serve" }
  service "fetched" {
    command = "bin/serve"
    artifact { source = "https://files.example/serve.tar.gz" }
  }
  service "beside" {
    command = "./tools/serve"
    artifact {
      source      = "https://files.example/serve.tar.gz"
      destination = "tools"
    }
  }
  service "elsewhere" { # error: "./serve" is not in the task's directory
    command = "./serve"
    artifact {
      source      = "https://files.example/serve.tar.gz"
      destination = "tools"
    }
  }
  service "host" { command = "/opt/serve" }
  worker "w" { connector = "simulation" }
}
pool "p" {
  machine = machine.m
  size { max = 1 }
}
