# Imported from the Nomad job "shop". Review it and run plan before you apply it.
# A pool becomes a Nomad job of its own: stop this job first, or give the pool another name.
# Each machine runs an agent beside its services: /usr/local/bin/machine-agent on the image or host, or agent { artifact = … }.

variable "redis_url" {
  default     = "redis://127.0.0.1:6379"
  description = "The queue that the machines' agents take jobs from."
}

machine "web" {
  # not imported: the connect block of service "shop-web" (it is no longer in Consul's mesh, and NOMAD_UPSTREAM_… are not set)
  # not imported: the registration of service "shop-web" in Consul (it is registered in Nomad's own catalogue)
  # not imported: the registration of service "shop-admin" in Consul (it is registered in Nomad's own catalogue)
  # not imported: the script check of service "shop-admin" (Nomad's own checks are http and tcp)
  # not imported: the port label "http" (it is now "server", and NOMAD_PORT_server in the environment)
  # not imported: the update block (the dispatcher replaces machines of an old revision, each when it is idle)
  kind  = "api"
  image = "registry.example/shop:3"

  resources {
    cpu    = 600
    memory = "384MiB"
  }
  network { mode = "bridge" }
  agent { redis = var.redis_url }
  service "server" {
    port           = "http"
    container_port = 8080
    ready {
      path     = "/health"
      interval = "10s"
      timeout  = "2s"
    }
  }
  worker "server" {
    connector = "simulation" # a stand-in; write the connector for this service
    service   = "server"
  }
  nomad {
    group {
      service {
        name        = "shop-web"
        tags        = ["urlprefix-/shop", "v1"]
        canary_tags = ["canary"]
        port        = "server"
        provider    = "nomad"
        check {
          type     = "http"
          path     = "/health"
          interval = "10s"
          timeout  = "2s"
        }
      }
    }
    task "server" {
      config { ports = ["server"] }
      env { DB_HOST = "$${NOMAD_UPSTREAM_ADDR_db}" }
      service {
        name     = "shop-admin"
        port     = "server"
        provider = "nomad"
        check_restart {
          limit = 3
          grace = "1m"
        }
      }
    }
  }
}

pool "shop" {
  machine = machine.web

  size {
    min = 3
    max = 3
  }
  placement { datacenters = ["dc1"] }
}
