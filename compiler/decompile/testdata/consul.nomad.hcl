job "shop" {
  datacenters = ["dc1"]
  group "web" {
    count = 3
    network {
      mode = "bridge"
      port "http" { to = 8080 }
    }
    service {
      name = "shop-web"
      port = "http"
      tags = ["urlprefix-/shop", "v1"]
      canary_tags = ["canary"]
      check {
        type     = "http"
        path     = "/health"
        interval = "10s"
        timeout  = "2s"
      }
      connect {
        sidecar_service {
          proxy {
            upstreams {
              destination_name = "db"
              local_bind_port  = 5432
            }
          }
        }
      }
    }
    update {
      canary = 1
      max_parallel = 1
      auto_promote = true
    }
    task "server" {
      driver = "docker"
      config {
        image = "registry.example/shop:3"
        ports = ["http"]
      }
      env { DB_HOST = "${NOMAD_UPSTREAM_ADDR_db}" }
      service {
        name = "shop-admin"
        provider = "consul"
        port = "http"
        check {
          type = "script"
          command = "/bin/check"
          interval = "30s"
          timeout = "5s"
        }
        check_restart {
          limit = 3
          grace = "60s"
        }
      }
      resources {
        cpu = 500
        memory = 256
      }
    }
  }
}
