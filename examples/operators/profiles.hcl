# A Nomad operator's questions: networks, placement, failures, storage, and how to set what the language doesn't cover.

project "operators" {}

variable "redis_url" {
  type    = string
  default = "redis://redis.example:6379"
}

machine "render" {
  kind   = "gpu"
  driver = "docker"
  image  = "registry.example/render:1"

  resources {
    cpu    = 8000
    memory = "64GiB"
    disk   = "20GiB"
  }
  gpu {
    count = 2
    affinity {
      attribute = "device.attr.memory_clock"
      operator  = ">"
      value     = "10 GHz"
    }
  }

  # All tasks in one network namespace, behind the client's address.
  network {
    mode = "bridge"
    dns { servers = ["10.0.0.2", "10.0.0.3"] }
  }

  # Each machine has a CSI volume of its own: scratch[0], scratch[1] …
  volume "scratch" {
    type            = "csi"
    path            = "/scratch"
    read_only       = false
    per_machine     = true
    access_mode     = "single-node-writer"
    attachment_mode = "file-system"
    mount_flags     = ["noatime"]
  }

  agent {
    redis = var.redis_url
    blobs = "file:///scratch/results"
  }
  service "comfyui" {
    per          = "gpu"
    port         = "http"
    args         = ["--port", self.port]
    kill_timeout = "25s"
    kill_signal  = "SIGINT"
    shm_size     = "1GiB"
    ulimit       = { nofile = "65536:65536" }
    ready { path = "/system_stats" }
    restart {
      attempts = 3
      interval = "15m"
      delay    = "10s"
    }
  }
  service "metrics" {
    port           = "prom"
    image          = "registry.example/exporter:1"
    static_port    = 9835
    container_port = 9835
    resources {
      cpu    = 100
      memory = "64MiB"
    }
  }
  worker "comfyui" {
    connector    = "comfyui"
    service      = "comfyui"
    capabilities = ["cuda", "video"]
  }

  # An unreachable client stops its machines after two minutes, long after their jobs have returned to the queue.
  disconnect { stop_after = "2m" }
  reschedule {
    attempts   = 5
    interval   = "1h"
    delay      = "30s"
    delay_kind = "exponential"
    max_delay  = "10m"
  }

  # Nomad's syntax, merged last. Strings are Nomad's too: Nomad replaces $${…}.
  nomad {
    group {
      meta = { team = "images", rack = "$${meta.rack}" }
    }
    task "agent" {
      vault { role = "machines" }
      template {
        data        = "{{ with secret \"kv/data/redis\" }}{{ .Data.data.ca }}{{ end }}"
        destination = "secrets/redis-ca.pem"
        change_mode = "noop"
      }
    }
    task "comfyui" {
      config { init = true }
    }
  }
}

pool "render" {
  machine  = machine.render
  priority = 60
  size { max = 6 }

  placement {
    namespace   = "ai"
    node_pool   = "gpu"
    datacenters = ["fra*"]
    constraint {
      attribute = "meta.rack"
      operator  = "is_set"
    }
    affinity {
      attribute = "node.class"
      value     = "spot"
      weight    = -50
    }
    spread {
      attribute = "meta.rack"
      weight    = 30
    }
  }

  nomad {
    job {
      ui {
        link {
          label = "Runbook"
          url   = "https://runbooks.example/render"
        }
      }
    }
  }
}
