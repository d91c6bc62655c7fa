# The four pools of the unified machine architecture, with its figures:
#
#   fast lane   api machines, 2 CPU, 4 GB            jobs under 30 s on hosted APIs
#   standard    RTX 4090, 32 GB                      ComfyUI, 30 s to 3 min
#   heavy       2 × RTX 4090, 64 GB; 4 ×, 128 GB     video; large models; over 3 min
#   hybrid      RTX 4090, 16 GB, and hosted APIs     both
#
# By default it describes production: containers, and API keys from Nomad variables. With demo.vars.hcl it is the
# same structure on one small node: host programs, simulated GPUs and a simulated ComfyUI.

project "emprops" {}

variable "demo" {
  type        = bool
  default     = false
  description = "Run everything scaled down and simulated, on one node."
}

variable "image" {
  type        = string
  default     = "registry.emprops.example/machine:2026.11"
  description = "The machines' container image: ComfyUI, its custom nodes and the agent."
}

variable "agent_binary" {
  type        = string
  default     = "/usr/local/bin/machine-agent"
  description = "Where the agent is: on the image, or on the demo's host."
  validation {
    condition     = startswith(var.agent_binary, "/")
    error_message = "The agent's path must be absolute; the directory a task starts in is its own."
  }
}

variable "sim_binary" {
  type        = string
  default     = "/usr/local/bin/machine-sim"
  description = "Where the simulated ComfyUI is on the demo's host."
}

variable "redis_url" {
  type        = string
  default     = "redis://redis.emprops.example:6379"
  description = "The queue."
}

variable "blob_url" {
  type        = string
  default     = "s3://emprops-results?region=us-east-1"
  description = "Where results are stored."
}

locals {
  rtx4090 = "NVIDIA GeForce RTX 4090"

  # Machine sizes for production, and for a demo in which all machines share two cores.
  size = var.demo ? {
    fast     = { cpu = 60, cores = null, memory = "64MiB" }
    standard = { cpu = 100, cores = null, memory = "128MiB" }
    heavy_2x = { cpu = 140, cores = null, memory = "192MiB" }
    heavy_4x = { cpu = 220, cores = null, memory = "320MiB" }
    hybrid   = { cpu = 100, cores = null, memory = "128MiB" }
    } : {
    fast     = { cpu = null, cores = 2, memory = "4GiB" }
    standard = { cpu = null, cores = 8, memory = "32GiB" }
    heavy_2x = { cpu = null, cores = 16, memory = "64GiB" }
    heavy_4x = { cpu = null, cores = 32, memory = "128GiB" }
    hybrid   = { cpu = null, cores = 8, memory = "16GiB" }
  }

  # The command that starts ComfyUI on its instance's own port: the real one, or the demo's simulated one.
  comfyui = var.demo ? {
    command = var.sim_binary
    args    = ["comfyui", "-start-time", "1s", "-node-time", "1500ms"] # the example has two nodes: 3 s per job
    } : {
    command = "python3"
    args    = ["/opt/comfyui/main.py", "--disable-auto-launch"]
  }

  # Keys of the hosted APIs, by the environment variable that the connectors read. The demo calls no API.
  api_keys = {
    for name, provider in { OPENAI_API_KEY = "openai", REPLICATE_API_TOKEN = "replicate", RUNPOD_API_KEY = "runpod" } :
    name => secret("emprops/${provider}", "api_key") if !var.demo
  }

  # The connectors for the hosted APIs' jobs. The agent has none for these APIs yet, so simulation takes their place, even
  # in production, so that the lanes exist and can be tried out.
  connector = {
    for provider in ["openai", "replicate", "runpod"] : provider => "simulation"
  }
}

# What all machines have in common. No pool uses it directly, so it needs no kind.
machine "base" {
  driver     = var.demo ? "raw_exec" : "docker"
  image      = var.demo ? null : var.image
  start_time = var.demo ? "3s" : "3m"

  agent {
    command = var.agent_binary
    redis   = var.redis_url
    blobs   = var.blob_url
    grace   = "25s"
    resources {
      cpu    = var.demo ? 20 : 200
      memory = var.demo ? "32MiB" : "256MiB"
    }
  }
}

machine "fast" {
  extends    = machine.base
  kind       = "api"
  start_time = var.demo ? "2s" : "45s"

  resources {
    cpu    = local.size.fast.cpu
    cores  = local.size.fast.cores
    memory = local.size.fast.memory
  }
  agent { env = local.api_keys }

  worker "openai" {
    connector    = local.connector.openai
    concurrency  = var.demo ? 1 : 16
    capabilities = ["api"]
  }
  worker "replicate" {
    connector    = local.connector.replicate
    concurrency  = var.demo ? 1 : 8
    capabilities = ["api"]
  }
  worker "runpod" {
    connector    = local.connector.runpod
    concurrency  = var.demo ? 1 : 8
    capabilities = ["api"]
  }
}

machine "standard" {
  extends = machine.base
  kind    = "gpu"

  resources {
    cpu    = local.size.standard.cpu
    cores  = local.size.standard.cores
    memory = local.size.standard.memory
  }
  gpu {
    count  = 1
    model  = local.rtx4090
    memory = "24GiB"
  }

  # Creates the directory that all ComfyUIs of the machine share, before anything else starts.
  setup {
    command = "/bin/mkdir"
    args    = ["-p", "${nomad.alloc_dir}/data/comfyui"]
    timeout = "1m"
  }
  service "comfyui" {
    per     = "gpu"
    port    = "http"
    command = local.comfyui.command
    args = concat(local.comfyui.args, var.demo ? ["-listen", self.addr] : [
      "--listen", "0.0.0.0", "--port", self.port, "--temp-directory", "${nomad.alloc_dir}/data/comfyui/gpu${self.gpu}",
    ])
    ready {
      path     = "/system_stats"
      interval = var.demo ? "1s" : "5s"
    }
  }
  worker "comfyui" {
    connector    = "comfyui"
    service      = "comfyui"
    capabilities = ["cuda"]
  }
}

machine "heavy-2x" {
  extends = machine.standard

  resources {
    cpu    = local.size.heavy_2x.cpu
    cores  = local.size.heavy_2x.cores
    memory = local.size.heavy_2x.memory
  }
  gpu { count = 2 }
  worker "comfyui" {
    capabilities = ["cuda", "video"]
  }
}

machine "heavy-4x" {
  extends = machine.standard

  resources {
    cpu    = local.size.heavy_4x.cpu
    cores  = local.size.heavy_4x.cores
    memory = local.size.heavy_4x.memory
  }
  gpu { count = 4 }
  worker "comfyui" {
    capabilities = ["cuda", "video", "large-model"]
  }
}

machine "hybrid" {
  extends = machine.standard
  kind    = "hybrid"

  resources {
    cpu    = local.size.hybrid.cpu
    cores  = local.size.hybrid.cores
    memory = local.size.hybrid.memory
  }
  agent { env = local.api_keys }

  worker "openai" {
    connector    = local.connector.openai
    concurrency  = var.demo ? 1 : 4
    capabilities = ["api"]
  }
  worker "replicate" {
    connector    = local.connector.replicate
    concurrency  = var.demo ? 1 : 4
    capabilities = ["api"]
  }
}

pool "fast-lane" {
  machine = machine.fast
  size {
    min = var.demo ? 1 : 2
    max = var.demo ? 4 : 20
  }
  scale {
    target_wait   = var.demo ? "2s" : "5s"
    up_cooldown   = var.demo ? "1s" : "10s"
    down_cooldown = var.demo ? "2s" : "1m"
    idle_after    = var.demo ? "3s" : "2m"
  }
}

pool "standard" {
  machine = machine.standard
  size {
    min = var.demo ? 1 : 2
    max = var.demo ? 3 : 40
  }
  scale {
    target_wait   = var.demo ? "3s" : "30s"
    up_cooldown   = var.demo ? "1s" : "15s"
    down_cooldown = var.demo ? "2s" : "2m"
    idle_after    = var.demo ? "3s" : "5m"
  }
}

pool "heavy-2x" {
  machine = machine.heavy-2x
  size {
    max = var.demo ? 1 : 6
  }
  scale {
    target_wait   = var.demo ? "5s" : "2m"
    down_cooldown = var.demo ? "2s" : "5m"
    idle_after    = var.demo ? "3s" : "10m"
  }
}

pool "heavy-4x" {
  machine = machine.heavy-4x
  size {
    max = var.demo ? 1 : 2
  }
  scale {
    target_wait   = var.demo ? "5s" : "5m"
    down_cooldown = var.demo ? "2s" : "5m"
    idle_after    = var.demo ? "3s" : "10m"
  }
}

pool "hybrid" {
  machine = machine.hybrid
  size {
    max = var.demo ? 1 : 4
  }
  scale {
    target_wait   = var.demo ? "5s" : "30s"
    down_cooldown = var.demo ? "2s" : "2m"
    idle_after    = var.demo ? "3s" : "5m"
  }
}
