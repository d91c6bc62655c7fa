# Imported from the Nomad job "processes". Review it and run plan before you apply it.
# A pool becomes a Nomad job of its own: stop this job first, or give the pool another name.
# Each machine runs an agent beside its services: /usr/local/bin/machine-agent on the image or host, or agent { artifact = … }.

variable "redis_url" {
  default     = "redis://127.0.0.1:6379"
  description = "The queue that the machines' agents take jobs from."
}

machine "api" {
  # not imported: the port label "http" (it is now "api", and NOMAD_PORT_api in the environment)
  # not imported: the update block (the dispatcher replaces machines of an old revision, each when it is idle)
  # not imported: a command for task java (the job has none for its driver java; the profile has a stand-in)
  kind   = "api"
  driver = "raw_exec"

  resources {
    cores  = 3
    memory = "728MiB"
  }
  agent { redis = var.redis_url }
  service "api" {
    port        = "http"
    static_port = 8080
    command     = "/usr/bin/python3"
    args        = ["-m", "http.server", self.port]
    resources {
      cores  = 2
      memory = "300MiB"
    }
  }
  service "java" {
    command = "change-me"
    resources {
      cpu    = 100
      memory = "300MiB"
    }
  }
  worker "api" {
    connector = "simulation" # a stand-in; write the connector for this service
    service   = "api"
  }
  nomad {
    task "api" {
      user = "nobody"
      env { TITLE = "50% of $${HOME}" }
      service {
        name     = "api"
        port     = "api"
        provider = "nomad"
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
}

pool "processes-api" {
  machine = machine.api

  size {
    min = 1
    max = 1
  }
}

machine "worker" {
  # not imported: the GPUs of task worker as a gpu block, which gives each GPU to one instance of one service (they are in the nomad block)
  # not imported: the update block (the dispatcher replaces machines of an old revision, each when it is idle)
  kind   = "api"
  driver = "exec"

  resources {
    cpu    = 200
    memory = "192MiB"
  }
  agent { redis = var.redis_url }
  service "worker" { command = "/bin/worker" }
  worker "jobs" {
    connector = "simulation" # a stand-in; write the connector for the jobs that this machine runs
  }
  nomad {
    task "worker" {
      resources {
        device "nvidia/gpu" { count = 2 }
      }
    }
  }
}

pool "processes-worker" {
  machine = machine.worker

  size { max = 1 }
}
