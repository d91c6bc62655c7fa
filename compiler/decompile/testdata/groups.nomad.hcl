job "stack" {
  datacenters = ["eu-*"]
  constraint {
    attribute = "${attr.kernel.name}"
    value = "linux"
  }
  constraint { distinct_hosts = true }
  spread {
    attribute = "${node.datacenter}"
    target "eu-1" { percent = 60 }
    target "eu-2" { percent = 40 }
  }
  affinity {
    attribute = "${meta.ssd}"
    value = "true"
    weight = 70
  }
  migrate { max_parallel = 2 }
  meta { owner = "ops" }
  group "cache" {
    count = 2
    disconnect {
      lost_after = "6h"
      replace = true
    }
    restart { mode = "delay" }
    network {
      mode = "host"
      port "redis" { static = 6379 }
    }
    service {
      name = "cache"
      port = "redis"
      provider = "consul"
      check {
        type = "tcp"
        interval = "10s"
        timeout = "2s"
      }
    }
    ephemeral_disk {
      size = 2000
      migrate = true
      sticky = true
    }
    task "redis" {
      driver = "docker"
      config {
        image = "redis:7"
        ports = ["redis"]
      }
    }
  }
  group "gateway" {
    network {
      mode = "bridge"
      port "in" { 
        static = 443
        to = 8443
      }
    }
    service {
      name = "gateway"
      port = "in"
      connect {
        gateway {
          ingress {
            listener {
              port = 8443
              protocol = "tcp"
              service { name = "cache" }
            }
          }
        }
      }
    }
    task "noop" {
      driver = "docker"
      config { image = "registry.example/pause:1" }
    }
  }
  group "native" {
    network {
      port "api" {}
    }
    service {
      name = "native"
      port = "api"
      task = "app"
      connect { native = true }
    }
    task "app" {
      driver = "java"
      config { 
        jar_path = "local/app.jar"
        jvm_options = ["-Xmx1g"]
      }
      artifact { source = "https://files.example/app.jar" }
    }
  }
}
