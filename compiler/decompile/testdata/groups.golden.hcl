# Imported from the Nomad job "stack". Review it and run plan before you apply it.
# A pool becomes a Nomad job of its own: stop this job first, or give the pool another name.
# Each machine runs an agent beside its services: /usr/local/bin/machine-agent on the image or host, or agent { artifact = … }.

variable "redis_url" {
  default     = "redis://127.0.0.1:6379"
  description = "The queue that the machines' agents take jobs from."
}

machine "cache" {
  # not imported: the registration of service "cache" in Consul (it is registered in Nomad's own catalogue)
  kind  = "api"
  image = "redis:7"

  resources {
    cpu    = 200
    memory = "428MiB"
    disk   = "2000MiB"
  }
  agent { redis = var.redis_url }
  service "redis" {
    port        = "http"
    static_port = 6379
    restart {
      attempts = 2
      interval = "30m"
      delay    = "15s"
      mode     = "delay"
    }
  }
  worker "redis" {
    connector = "simulation" # a stand-in; write the connector for this service
    service   = "redis"
  }
  disconnect {
    lost_after = "6h"
    replace    = true
    reconcile  = "best_score"
  }
  nomad {
    group {
      ephemeral_disk {
        sticky  = true
        migrate = true
      }
      migrate { max_parallel = 2 }
      meta { owner = "ops" }
      service {
        name     = "cache"
        port     = "redis"
        provider = "nomad"
        check {
          type     = "tcp"
          interval = "10s"
          timeout  = "2s"
        }
      }
    }
  }
}

pool "stack-cache" {
  machine = machine.cache

  size {
    min = 2
    max = 2
  }
  placement {
    datacenters = ["eu-*"]
    constraint {
      attribute = "attr.kernel.name"
      value     = "linux"
    }
    constraint {
      operator = "distinct_hosts"
      value    = "true"
    }
    affinity {
      attribute = "meta.ssd"
      value     = "true"
      weight    = 70
    }
    spread {
      attribute = "node.datacenter"
      weight    = 50
      target "eu-1" { percent = 60 }
      target "eu-2" { percent = 40 }
    }
  }
}

machine "gateway" {
  # not imported: the service "gateway" (a gateway of Consul's mesh)
  # not imported: the port label "in" (it is now "noop", and NOMAD_PORT_noop in the environment)
  kind  = "api"
  image = "registry.example/pause:1"

  resources {
    cpu    = 200
    memory = "428MiB"
  }
  network { mode = "bridge" }
  agent { redis = var.redis_url }
  service "noop" {
    port           = "http"
    static_port    = 443
    container_port = 8443
  }
  worker "noop" {
    connector = "simulation" # a stand-in; write the connector for this service
    service   = "noop"
  }
  nomad {
    group {
      migrate { max_parallel = 2 }
      meta { owner = "ops" }
    }
  }
}

pool "stack-gateway" {
  machine = machine.gateway

  size {
    min = 1
    max = 1
  }
  placement {
    datacenters = ["eu-*"]
    constraint {
      attribute = "attr.kernel.name"
      value     = "linux"
    }
    constraint {
      operator = "distinct_hosts"
      value    = "true"
    }
    affinity {
      attribute = "meta.ssd"
      value     = "true"
      weight    = 70
    }
    spread {
      attribute = "node.datacenter"
      weight    = 50
      target "eu-1" { percent = 60 }
      target "eu-2" { percent = 40 }
    }
  }
}

machine "native" {
  # not imported: the connect block of service "native" (it is no longer in Consul's mesh, and NOMAD_UPSTREAM_… are not set)
  # not imported: the registration of service "native" in Consul (it is registered in Nomad's own catalogue)
  # not imported: the port label "api" (it is now "app", and NOMAD_PORT_app in the environment)
  # not imported: a command for task app (the job has none for its driver java; the profile has a stand-in)
  kind   = "api"
  driver = "exec"

  resources {
    cpu    = 200
    memory = "428MiB"
  }
  agent { redis = var.redis_url }
  service "app" {
    port    = "http"
    command = "change-me"
    artifact { source = "https://files.example/app.jar" }
  }
  worker "app" {
    connector = "simulation" # a stand-in; write the connector for this service
    service   = "app"
  }
  nomad {
    group {
      migrate { max_parallel = 2 }
      meta { owner = "ops" }
      service {
        name     = "native"
        port     = "app"
        task     = "app"
        provider = "nomad"
      }
    }
    task "app" {
      driver = "java"
      config {
        jar_path    = "local/app.jar"
        jvm_options = ["-Xmx1g"]
      }
    }
  }
}

pool "stack-native" {
  machine = machine.native

  size {
    min = 1
    max = 1
  }
  placement {
    datacenters = ["eu-*"]
    constraint {
      attribute = "attr.kernel.name"
      value     = "linux"
    }
    constraint {
      operator = "distinct_hosts"
      value    = "true"
    }
    affinity {
      attribute = "meta.ssd"
      value     = "true"
      weight    = 70
    }
    spread {
      attribute = "node.datacenter"
      weight    = 50
      target "eu-1" { percent = 60 }
      target "eu-2" { percent = 40 }
    }
  }
}
