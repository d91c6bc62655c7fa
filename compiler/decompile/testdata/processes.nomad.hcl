job "processes" {
  update { max_parallel = 2 }
  group "api" {
    network {
      mode = "host"
      port "http" { static = 8080 }
    }
    task "api" {
      driver = "raw_exec"
      user   = "nobody"
      config {
        command = "/usr/bin/python3"
        args    = ["-m", "http.server", "${NOMAD_PORT_http}"]
      }
      env { TITLE = "50% of $${HOME}" }
      resources { cores = 2 }
      service {
        name     = "api"
        provider = "nomad"
        port     = "http"
        check {
          type     = "tcp"
          interval = "10s"
          timeout  = "2s"
        }
      }
    }
    task "java" {
      driver = "java"
      config {
        jar_path    = "local/app.jar"
        jvm_options = ["-Xmx64m"]
      }
    }
  }
  group "worker" {
    count = 0
    task "worker" {
      driver = "exec"
      config { command = "/bin/worker" }
      resources {
        cpu    = 100
        memory = 64
        device "nvidia/gpu" { count = 2 }
      }
    }
  }
}
