# Two GPUs, a setup, run-time values, and text that Nomad would take for its own.

machine "gpu" {
  kind   = "gpu"
  driver = "raw_exec"
  env    = { TIER = "heavy" }
  resources {
    cpu    = 4000
    memory = "8GiB"
    disk   = "2GiB"
  }
  gpu {
    count  = 2
    model  = "NVIDIA GeForce RTX 4090"
    memory = "24GiB"
    driver = ">= 550"
  }
  setup {
    command = "/bin/mkdir"
    args    = ["-p", "${nomad.alloc_dir}/models", "100%", "$${HOME} %%{if}"]
  }
  agent {
    redis = "redis://redis.example:6379"
    blobs = "file:///srv/blobs"
    grace = "40s"
    env   = { LITERAL = "$${HOME}", NODE = nomad.node_name }
  }
  service "comfyui" {
    per     = "gpu"
    port    = "http"
    command = "/opt/comfyui/start"
    args    = ["--port", self.port, "--gpu", self.gpu, "--output", "${nomad.alloc_dir}/out/${self.gpu}"]
    env     = { URL = "http://${self.addr}/", COST = "$5" }
    ready { path = "/system_stats" }
  }
  service "cache" {
    command = "/usr/bin/cache"
    resources {
      cpu    = 500
      memory = "1GiB"
    }
  }
  worker "redis-worker" {
    connector    = "comfyui"
    service      = "comfyui"
    capabilities = ["cuda"]
    settings     = { keep_history = true }
  }
  worker "sim" {
    connector = "simulation"
    count     = 2
  }
}

pool "heavy" {
  machine  = machine.gpu
  priority = 70
  size {
    min = 1
    max = 4
  }
  placement {
    datacenters = ["dc1", "eu-*"]
    node_pool   = "gpu"
    spread      = "node.unique.id"
    constraint {
      attribute = "attr.kernel.name"
      value     = "linux"
    }
  }
}
