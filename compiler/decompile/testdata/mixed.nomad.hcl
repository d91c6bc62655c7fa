job "mixed" {
  datacenters = ["dc1"]
  group "api" {
    network {
      port "http" {}
      port "grpc" { static = 9000 }
    }
    service {
      name = "api-http"
      provider = "nomad"
      port = "http"
    }
    service {
      name = "api-grpc"
      provider = "consul"
      port = "grpc"
      meta { team = "x" }
      check {
        type = "grpc"
        interval = "10s"
        timeout = "2s"
      }
    }
    task "api" {
      driver = "docker"
      config {
        image = "registry.example/api:1"
        args = ["-http", "${NOMAD_PORT_http}"]
        ports = ["http", "grpc"]
      }
    }
    task "db-proxy" {
      driver = "docker"
      lifecycle {
        hook = "prestart"
        sidecar = true
      }
      config { image = "registry.example/proxy:1" }
      env { PROXY_PASSWORD = "sesame-of-the-proxy" }
      service {
        name = "proxy"
        tags = ["internal"]
      }
    }
    task "migrate" {
      driver = "docker"
      lifecycle { hook = "prestart" }
      config {
        image = "registry.example/api:1"
        command = "/bin/migrate"
      }
    }
    task "bye" {
      driver = "docker"
      lifecycle { hook = "poststop" }
      config {
        image = "registry.example/api:1"
        command = "/bin/bye"
      }
      env { API_TOKEN = "sesame-of-the-last-task" }
    }
  }
}
