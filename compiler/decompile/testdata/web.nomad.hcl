job "Comfy_UI Web" {
  datacenters = ["fra1", "fra2"]
  node_pool   = "gpu"
  priority    = 70
  meta { team = "images" }
  constraint {
    attribute = "${attr.kernel.name}"
    value     = "linux"
  }
  affinity {
    attribute = "${node.class}"
    value     = "spot"
    weight    = -30
  }
  group "web" {
    count = 2
    scaling {
      min = 1
      max = 8
    }
    spread {
      attribute = "${node.datacenter}"
      weight    = 40
      target "fra1" { percent = 70 }
      target "fra2" { percent = 30 }
    }
    constraint {
      operator = "distinct_hosts"
      value    = "true"
    }
    network {
      port "http" { to = 8188 }
      port "metrics" {}
    }
    ephemeral_disk {
      size   = 2048
      sticky = true
    }
    volume "models" {
      type      = "host"
      source    = "shared-models"
      read_only = true
    }
    restart {
      attempts = 10
      interval = "10m"
      delay    = "20s"
      mode     = "delay"
    }
    service {
      name     = "comfyui"
      provider = "consul"
      port     = "http"
      tags     = ["traefik.enable=true"]
      check {
        type     = "http"
        path     = "/system_stats"
        interval = "15s"
        timeout  = "4s"
      }
    }
    task "fetch-models" {
      driver = "docker"
      lifecycle { hook = "prestart" }
      config {
        image   = "registry.example/fetch:2"
        command = "/fetch"
        args    = ["--token", "sesame-very-secret", "--to", "${NOMAD_ALLOC_DIR}/models"]
      }
      env {
        HF_TOKEN = "hf_sesamedefghijklmnopqrst"
      }
    }
    task "comfyui" {
      driver = "docker"
      config {
        image      = "registry.example/comfyui:3"
        ports      = ["http"]
        args       = ["--listen", "0.0.0.0", "--port", "${NOMAD_PORT_http}", "--dc", "${node.datacenter}"]
        shm_size   = 1073741824
        ulimit { nofile = "65536" }
        auth {
          username = "robot"
          password = "registry-sesame0"
        }
      }
      env {
        LOG_LEVEL         = "info"
        DATABASE_URL      = "postgres://app:sesame-pw@db.example/app"
        MAX_TOKENS        = "4096"
        PUBLIC_ADDRESS    = "${NOMAD_ADDR_http}"
        WHERE             = "${attr.unique.hostname}"
        AWS_ACCESS_KEY_ID = "AKIASESAMENN7EXAMPLE"
      }
      template {
        data        = <<EOT
{{ range nomadService "redis" }}
redis = "{{ .Address }}:{{ .Port }}"
{{ end }}
EOT
        destination = "local/app.toml"
        change_mode = "signal"
        change_signal = "SIGHUP"
      }
      template {
        data        = "api_password = \"sesame-0815\"\n"
        destination = "secrets/app.ini"
      }
      artifact {
        source      = "https://artifacts.example/workflows.tgz"
        destination = "local/workflows"
        headers { Authorization = "Bearer sesamedefghijklm" }
      }
      volume_mount {
        volume      = "models"
        destination = "/models"
        read_only   = true
      }
      vault { role = "comfy" }
      constraint {
        attribute = "${meta.rack}"
        operator  = "is_set"
      }
      kill_timeout = "20s"
      resources {
        cpu        = 4000
        memory     = 16384
        memory_max = 24576
        device "nvidia/gpu" {
          count = 1
          constraint {
            attribute = "${device.attr.memory}"
            operator  = ">="
            value     = "22 GiB"
          }
          affinity {
            attribute = "${device.model}"
            value     = "NVIDIA L40S"
          }
        }
      }
    }
    task "exporter" {
      driver = "docker"
      lifecycle {
        hook    = "poststart"
        sidecar = true
      }
      config {
        image = "registry.example/exporter:1"
        ports = ["metrics"]
      }
    }
  }
}
