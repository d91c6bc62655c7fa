# ComfyUI on any available GPU: models in order of preference, slices of large ones, and a pool without GPUs for
# jobs that need none. The models are on a host volume; only missing ones are fetched.

project "comfyui" {}

variable "image" {
  type        = string
  default     = "registry.example/comfyui:0.3"
  description = "ComfyUI, its custom nodes and the agent."
}

variable "redis_url" {
  type    = string
  default = "redis://redis.example:6379"
}

locals {
  models = ["sdxl", "flux-dev"]
}

machine "comfyui" {
  kind       = "gpu"
  image      = var.image
  start_time = "2m"

  resources {
    cores  = 8
    memory = "32GiB"
  }
  gpu {
    models = ["NVIDIA GeForce RTX 4090", "NVIDIA RTX A6000", "NVIDIA L40S"] # best first; Nomad takes the first free one
    memory = "24GiB"
    driver = ">= 550"
  }

  # The client's configuration contains host_volume "models" { path = "/srv/models"  read_only = true }
  volume "models" {
    path = "/models"
  }

  setup {
    command = "/bin/sh"
    args    = ["${nomad.task_dir}/setup.sh"]
    timeout = "20m"
    artifact {
      source      = "https://releases.example/setup.sh"
      destination = "local/setup.sh"
      mode        = "file"
      options     = { checksum = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" }
    }
  }
  agent {
    redis = var.redis_url
    blobs = "s3://results?region=us-east-1"
  }
  service "comfyui" {
    per          = "gpu"
    port         = "http"
    command      = "python3"
    args         = ["/opt/comfyui/main.py", "--listen", "0.0.0.0", "--port", self.port, "--extra-model-paths-config", "/etc/models.yaml"]
    kill_timeout = "20s"
    ready { path = "/system_stats" }
  }
  worker "comfyui" {
    connector    = "comfyui"
    service      = "comfyui"
    capabilities = ["cuda"]
    offers       = { model = local.models }
  }

  logs {
    files     = 5
    file_size = "20MiB"
  }
}

# Half of an H100 for small jobs.
machine "slice" {
  extends = machine.comfyui
  gpu {
    models = null
    model  = "NVIDIA H100 NVL"
    mig    = "3g.47gb"
    memory = "40GiB"
  }
}

# The CPU-only form takes jobs that need no GPU. Its worker offers no gpu, so that other jobs never run here.
machine "cpu" {
  extends = machine.comfyui
  gpu { count = 0 }
  service "comfyui" {
    args = ["/opt/comfyui/main.py", "--cpu", "--listen", "0.0.0.0", "--port", self.port]
  }
  worker "comfyui" { capabilities = [] }
}

pool "comfyui" {
  machine = machine.comfyui
  size {
    min = 1
    max = 20
  }
  placement { node_pool = "gpu" }
}

pool "large" {
  machine = machine.comfyui
  size { max = 4 }
  scale {
    target_wait = "2m"
    idle_after  = "10m"
  }
  placement { node_pool = "gpu" }
  override {
    resources {
      cores  = 32
      memory = "128GiB"
    }
    gpu { count = 4 }
    worker "comfyui" { capabilities = ["cuda", "video"] }
  }
}

pool "slices" {
  machine = machine.slice
  size { max = 14 }
  placement { node_pool = "gpu" }
}

pool "cpu" {
  machine = machine.cpu
  size { max = 4 }
}
