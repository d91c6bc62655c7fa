# Imported from the Nomad job "mixed". Review it and run plan before you apply it.
# A pool becomes a Nomad job of its own: stop this job first, or give the pool another name.
# Each machine runs an agent beside its services: /usr/local/bin/machine-agent on the image or host, or agent { artifact = … }.
# Secrets are not shown. Store them in Nomad with: nomad var put machines/mixed api_token=… proxy_password=…

variable "redis_url" {
  default     = "redis://127.0.0.1:6379"
  description = "The queue that the machines' agents take jobs from."
}

machine "api" {
  # not imported: the registration of service "api-grpc" in Consul (it is registered in Nomad's own catalogue)
  # not imported: the meta of service "api-grpc" (only Consul has them)
  # not imported: the grpc check of service "api-grpc" (Nomad's own checks are http and tcp)
  # not imported: the registration of service "proxy" in Consul (it is registered in Nomad's own catalogue)
  # not imported: the port label "http" (it is now "api", and NOMAD_PORT_api in the environment)
  # not imported: the service "api-grpc" on port "grpc"
  # not imported: port "grpc" (a service has one port, and every task uses another one first)
  # not imported: how the image's own entrypoint starts /bin/migrate in task shared-setup
  kind  = "api"
  image = "registry.example/api:1"

  resources {
    cpu    = 400
    memory = "1028MiB"
  }
  setup {
    command = "/bin/migrate"
    resources {
      cpu    = 100
      memory = "300MiB"
    }
  }
  agent { redis = var.redis_url }
  service "api" {
    port = "http"
    args = ["-http", self.port]
  }
  service "db-proxy" {
    image = "registry.example/proxy:1"
    env   = { PROXY_PASSWORD = secret("machines/mixed", "proxy_password") }
  }
  service "bye" {
    args = ["/bin/bye"]
    env  = { API_TOKEN = secret("machines/mixed", "api_token") }
  }
  worker "api" {
    connector = "simulation" # a stand-in; write the connector for this service
    service   = "api"
  }
  nomad {
    group {
      service {
        name     = "api-http"
        port     = "api"
        provider = "nomad"
      }
    }
    task "db-proxy" {
      lifecycle {
        hook    = "prestart"
        sidecar = true
      }
      service {
        name     = "proxy"
        tags     = ["internal"]
        provider = "nomad"
      }
    }
    task "bye" {
      lifecycle { hook = "poststop" }
    }
  }
}

pool "mixed" {
  machine = machine.api

  size {
    min = 1
    max = 1
  }
  placement { datacenters = ["dc1"] }
}
