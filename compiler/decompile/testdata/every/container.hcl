# With host.hcl, every argument of machines and pools, each with a value that is not its default.
project "every" {}

machine "gpu" {
  kind       = "gpu"
  image      = "registry.example/machine:1"
  start_time = "3m"
  env        = { LEVEL = "debug" }
  resources {
    cpu    = 4000
    memory = "32GiB"
    disk   = "2GiB"
  }
  gpu {
    count  = 2
    model  = "NVIDIA H100 NVL"
    mig    = "3g.47gb"
    memory = "24GiB"
    driver = ">= 550"
    device = "nvidia/gpu/special"
    constraint {
      attribute = "device.attr.pci_bandwidth"
      operator  = ">="
      value     = "8 GB/s"
    }
    affinity {
      attribute = "device.attr.memory_clock"
      operator  = ">"
      value     = "10 GHz"
      weight    = 10
    }
  }
  volume "models" {
    source = "models-nvme"
    path   = "/models"
    sticky = true
  }
  volume "outputs" {
    type            = "csi"
    path            = "/outputs"
    read_only       = false
    per_machine     = true
    access_mode     = "single-node-writer"
    attachment_mode = "file-system"
    fs_type         = "ext4"
    mount_flags     = ["noatime"]
  }
  network {
    mode     = "bridge"
    hostname = "gpu"
    dns {
      servers  = ["10.0.0.2"]
      searches = ["example"]
      options  = ["ndots:2"]
    }
  }
  setup {
    command = "/bin/mkdir"
    args    = ["-p", "/models/x"]
    env     = { STEP = "one" }
    timeout = "1m"
    resources {
      cpu    = 300
      memory = "64MiB"
    }
    artifact {
      source      = "https://models.example/sdxl.safetensors"
      destination = "local/models"
      mode        = "file"
      options     = { checksum = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" }
      headers     = { Accept = "application/octet-stream" }
    }
    restart {
      attempts = 1
      interval = "5m"
      delay    = "2s"
      mode     = "delay"
    }
  }
  agent {
    command = "/opt/machine-agent"
    args    = ["-log-level", "debug"]
    redis   = "redis://localhost:6379"
    blobs   = "s3://results"
    grace   = "20s"
    env     = { AGENT = "yes" }
    resources {
      cpu    = 200
      memory = "256MiB"
    }
    restart {
      attempts = 9
      interval = "5m"
      delay    = "2s"
      mode     = "delay"
    }
  }
  service "comfyui" {
    per          = "gpu"
    port         = "http"
    image        = "registry.example/comfyui:2"
    command      = "python3"
    args         = ["main.py", "--port", self.port]
    env          = { HF_HOME = "/models/hf" }
    kill_timeout = "20s"
    kill_signal  = "SIGINT"
    shm_size     = "1GiB"
    ulimit       = { nofile = "65536" }
    cap_drop     = ["NET_RAW"]
    privileged   = true
    ready {
      path     = "/system_stats"
      interval = "7s"
      timeout  = "2s"
    }
    resources {
      cpu    = 1000
      memory = "8GiB"
    }
    artifact {
      source      = "https://models.example/lora.zip"
      destination = "local/lora"
      mode        = "dir"
      options     = { archive = "zip" }
      headers     = { Accept = "application/zip" }
    }
    restart {
      attempts = 2
      interval = "3m"
      delay    = "9s"
      mode     = "delay"
    }
    logs {
      files     = 9
      file_size = "1MiB"
      disabled  = true
    }
  }
  service "cache" {
    port           = "tcp"
    static_port    = 6380
    container_port = 6379
  }
  worker "comfyui" {
    connector    = "comfyui"
    service      = "comfyui"
    concurrency  = 2
    capabilities = ["cuda"]
    offers       = { model = ["flux-dev"] }
  }
  reschedule {
    attempts   = 3
    interval   = "1h"
    delay      = "30s"
    delay_kind = "fibonacci"
    max_delay  = "5m"
  }
  disconnect {
    stop_after = "90s"
    replace    = true
    reconcile  = "best_score"
  }
  logs {
    files     = 5
    file_size = "20MiB"
    disabled  = true
  }
}

pool "gpus" {
  machine  = machine.gpu
  priority = 60
  size {
    min = 1
    max = 3
  }
  scale {
    target_wait   = "40s"
    up_cooldown   = "20s"
    down_cooldown = "2m"
    idle_after    = "3m"
  }
  placement {
    region      = "eu"
    namespace   = "machines"
    node_pool   = "gpus"
    datacenters = ["dc1"]
    spread      = "node.datacenter"
    constraint {
      attribute = "attr.kernel.version"
      operator  = "version"
      value     = ">= 5"
    }
    affinity {
      attribute = "node.class"
      operator  = "!="
      value     = "spot"
      weight    = 40
    }
    spread {
      attribute = "meta.rack"
      weight    = 30
      target "r1" { percent = 70 }
    }
  }
}
