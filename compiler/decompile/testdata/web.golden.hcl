# Imported from the Nomad job "Comfy_UI Web". Review it and run plan before you apply it.
# A pool becomes a Nomad job of its own: stop this job first, or give the pool another name.
# Each machine runs an agent beside its services: /usr/local/bin/machine-agent on the image or host, or agent { artifact = … }.
# Secrets are not shown. Store them in Nomad with: nomad var put machines/comfy-ui-web aws_access_key_id=… database_url=… hf_token=…

variable "redis_url" {
  default     = "redis://127.0.0.1:6379"
  description = "The queue that the machines' agents take jobs from."
}

variable "fetch_models_config_args" {
  default     = "change-me-fetch-models-config-args"
  description = "The job has a value here that isn't shown: task fetch-models config args."
  sensitive   = true
}

variable "comfyui_config_auth_password" {
  default     = "change-me-comfyui-config-auth-password"
  description = "The job has a value here that isn't shown: task comfyui config auth password."
  sensitive   = true
}

variable "comfyui_artifact_headers_authorization" {
  default     = "change-me-comfyui-artifact-headers-authorization"
  description = "The job has a value here that isn't shown: task comfyui artifact headers Authorization."
  sensitive   = true
}

machine "web" {
  # not imported: the registration of service "comfyui" in Consul (it is registered in Nomad's own catalogue)
  # not imported: the template secrets/app.ini of task comfyui (it seems to contain a secret)
  # not imported: the port label "http" (it is now "comfyui_gpu0", and NOMAD_PORT_comfyui_gpu0 in the environment)
  # not imported: the port label "metrics" (it is now "exporter", and NOMAD_PORT_exporter in the environment)
  # not imported: how the image's own entrypoint starts /fetch in task shared-setup
  kind  = "gpu"
  image = "registry.example/comfyui:3"

  resources {
    cpu    = 4200
    memory = "16812MiB"
    disk   = "2GiB"
  }
  gpu {
    count = 1
    constraint {
      attribute = "device.attr.memory"
      operator  = ">="
      value     = "22 GiB"
    }
    affinity {
      attribute = "device.model"
      value     = "NVIDIA L40S"
    }
  }
  volume "models" {
    source = "shared-models"
    path   = "/models"
  }
  setup {
    command = "/fetch"
    args    = ["--token", var.fetch_models_config_args, "--to", "${nomad.alloc_dir}/models"]
    env     = { HF_TOKEN = secret("machines/comfy-ui-web", "hf_token") }
    resources {
      cpu    = 100
      memory = "300MiB"
    }
    restart {
      attempts = 10
      interval = "10m"
      delay    = "20s"
      mode     = "delay"
    }
  }
  agent { redis = var.redis_url }
  service "comfyui" {
    per            = "gpu"
    port           = "http"
    container_port = 8188
    env = {
      AWS_ACCESS_KEY_ID = secret("machines/comfy-ui-web", "aws_access_key_id")
      DATABASE_URL      = secret("machines/comfy-ui-web", "database_url")
      LOG_LEVEL         = "info"
      MAX_TOKENS        = "4096"
      PUBLIC_ADDRESS    = "${self.addr}"
    }
    kill_timeout = "20s"
    shm_size     = "1GiB"
    ulimit       = { nofile = "65536" }
    ready {
      path     = "/system_stats"
      interval = "15s"
      timeout  = "4s"
    }
    resources {
      cpu    = 4000
      memory = "16GiB"
    }
    artifact {
      source      = "https://artifacts.example/workflows.tgz"
      destination = "local/workflows"
      headers     = { Authorization = var.comfyui_artifact_headers_authorization }
    }
    restart {
      attempts = 10
      delay    = "20s"
      mode     = "delay"
    }
  }
  service "exporter" {
    port  = "http"
    image = "registry.example/exporter:1"
    resources {
      cpu    = 100
      memory = "300MiB"
    }
    restart {
      attempts = 10
      delay    = "20s"
      mode     = "delay"
    }
  }
  worker "comfyui" {
    connector = "comfyui"
    service   = "comfyui"
  }
  worker "exporter" {
    connector = "simulation" # a stand-in; write the connector for this service
    service   = "exporter"
  }
  nomad {
    group {
      ephemeral_disk { sticky = true }
      meta { team = "images" }
      service {
        name     = "comfyui"
        tags     = ["traefik.enable=true"]
        port     = "comfyui_gpu0"
        provider = "nomad"
        check {
          type     = "http"
          path     = "/system_stats"
          interval = "15s"
          timeout  = "4s"
        }
      }
    }
    task "comfyui" {
      config {
        args = ["--listen", "0.0.0.0", "--port", "$${NOMAD_PORT_comfyui_gpu0}", "--dc", "$${node.datacenter}"]
        auth = [{
          password = var.comfyui_config_auth_password
          username = "robot"
        }]
      }
      constraint {
        attribute = "$${meta.rack}"
        operator  = "is_set"
      }
      env { WHERE = "$${attr.unique.hostname}" }
      resources { memory_max = 24576 }
      vault { role = "comfy" }
      template {
        destination   = "local/app.toml"
        data          = <<EOT
{{ range nomadService "redis" }}
redis = "{{ .Address }}:{{ .Port }}"
{{ end }}
EOT
        change_mode   = "signal"
        change_signal = "SIGHUP"
      }
    }
    task "exporter" {
      lifecycle {
        hook    = "poststart"
        sidecar = true
      }
    }
    task "shared-setup" {
      config { image = "registry.example/fetch:2" }
    }
  }
}

pool "comfy-ui-web" {
  machine  = machine.web
  priority = 70

  size {
    min = 1
    max = 8
  }
  placement {
    node_pool   = "gpu"
    datacenters = ["fra1", "fra2"]
    constraint {
      attribute = "attr.kernel.name"
      value     = "linux"
    }
    constraint {
      operator = "distinct_hosts"
      value    = "true"
    }
    affinity {
      attribute = "node.class"
      value     = "spot"
      weight    = -30
    }
    spread {
      attribute = "node.datacenter"
      weight    = 40
      target "fra1" { percent = 70 }
      target "fra2" { percent = 30 }
    }
  }
}
