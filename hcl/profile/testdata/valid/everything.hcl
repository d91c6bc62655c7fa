# Every argument of the language, none at its default.
machine "gpu" {
  kind       = "hybrid"
  driver     = "docker"
  image      = "registry.example/machine:1"
  start_time = "2m30s"
  env        = { LOG_LEVEL = "info", TOKEN = secret("models/hf", "token"), NODE = nomad.node_name }

  resources {
    cores  = 16
    memory = "64GiB"
    disk   = "10GB"
  }
  gpu {
    count  = 2
    model  = "NVIDIA GeForce RTX 4090"
    memory = "24GiB"
    driver = ">= 550, < 600"
    device = "nvidia/gpu/NVIDIA GeForce RTX 4090"
  }
  setup {
    command = "/bin/sh"
    args    = ["-c", "mkdir -p ${nomad.alloc_dir}/data"]
    env     = { KEY = secret("setup", "key"), A = 1, B = true }
    timeout = "3m"
    resources {
      cpu    = 200
      memory = "512MiB"
    }
  }
  agent {
    command  = "local/agent/machine-agent"
    args     = ["-log-level", "debug"]
    artifact = "https://releases.example/machine-agent.tar.gz"
    redis    = "redis://a:6379,redis://b:6379"
    blobs    = "s3://results"
    grace    = "20s"
    env      = { MACHINE_REDIS_URL = secret("redis", "url") }
    resources {
      cpu    = 300
      memory = "512MiB"
    }
  }
  service "comfyui" {
    per     = "gpu"
    port    = "http"
    image   = "registry.example/comfyui:1"
    command = "python3"
    args    = ["main.py", "--port", self.port, "--addr=${self.addr}", "--gpu", self.gpu, "literal $${HOME} %%{x}", 5, true]
    env     = { DIR = "${nomad.task_dir}/${nomad.alloc_id}", SECRETS = nomad.secrets_dir, INDEX = nomad.alloc_index }
    ready {
      path     = "/system_stats"
      interval = "2s"
      timeout  = "1500ms"
    }
    resources {
      cores  = 4
      memory = "24GiB"
    }
  }
  service "cache" {
    per  = "machine"
    port = "tcp"
  }
  worker "comfyui" {
    connector    = "comfyui"
    service      = "comfyui"
    concurrency  = 2
    capabilities = ["video", "cuda", "video"]
    offers       = { model = ["sdxl", "flux-dev"], "gpu.memory" = "23GiB", quality = 0.5, quick = true, tier = "gold" }
    settings     = { keep_history = true }
  }
  worker "openai" {
    connector = "simulation"
    count     = 3
  }
}

pool "gpus" {
  machine  = machine.gpu
  priority = 70
  size {
    min = 2
    max = 20
  }
  scale {
    target_wait   = "45s"
    up_cooldown   = "0s"
    down_cooldown = "3m"
    idle_after    = "10m"
  }
  placement {
    region      = "eu"
    namespace   = "ai"
    node_pool   = "gpu"
    datacenters = ["fra1", "fra2"]
    spread      = "node.unique.id"
    constraint {
      attribute = "meta.rack"
      operator  = "!="
      value     = "r13"
    }
    constraint { operator = "distinct_hosts" }
    constraint {
      attribute = "$${attr.cpu.arch}"
      value     = "amd64"
    }
    constraint {
      attribute = "attr.driver.docker"
      operator  = "is_set"
    }
  }
}
