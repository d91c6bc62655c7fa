# Everything that is passed on to Nomad: GPUs by preference, volumes, network, failures, placement, the escape.
machine "gpu" {
  kind  = "gpu"
  image = "registry.example/machine:1"
  resources {
    cpu    = 4000
    memory = "32GiB"
  }
  gpu {
    count  = 2
    models = ["NVIDIA H100 80GB HBM3", "NVIDIA A100-SXM4-80GB", "NVIDIA GeForce RTX 4090"]
    memory = "24GiB"
    driver = ">= 550"
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
    dns { servers = ["10.0.0.2"] }
  }
  setup {
    command = "/bin/true"
    artifact {
      source      = "https://models.example/$${literal}/sdxl.safetensors"
      destination = "local/models"
      mode        = "file"
      options     = { checksum = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" }
      headers     = { Accept = "application/octet-stream" }
    }
    restart { attempts = 0 }
  }
  agent {
    redis = "redis://redis.example:6379"
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
    command      = "python3"
    kill_timeout = "1m"
    kill_signal  = "SIGINT"
    logs { files = 9 }
  }
  service "cache" {
    port           = "tcp"
    static_port    = 6380
    container_port = 6379
  }
  worker "w" {
    connector = "comfyui"
    service   = "comfyui"
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
  }
  nomad {
    group {
      shutdown_delay = "2s"
      meta           = { team = "images" }
      volume "models" { sticky = true }
      constraint {
        attribute = "$${meta.rack}"
        operator  = "is_set"
      }
    }
    task "agent" {
      vault { role = "machines" }
      env = { FROM_NOMAD = nomad.node_name, NAME = "$${node.unique.name}" }
    }
    task "comfyui" {
      user = "1000:1000"
      config {
        shm_size = 1073741824
        ulimit { nofile = "65536:65536" }
      }
      template {
        data        = "{{ key \"x\" }}"
        destination = "local/x"
      }
    }
    task "comfyui-gpu1" {
      env { SECOND = "yes" }
    }
  }
}

pool "gpus" {
  machine = machine.gpu
  size { max = 3 }
  placement {
    spread = "node.datacenter"
    affinity {
      attribute = "node.class"
      value     = "spot"
      weight    = -40
    }
    spread {
      attribute = "meta.rack"
      weight    = 30
      target "r1" { percent = 70 }
      target "r2" { percent = 30 }
    }
  }
  nomad {
    job {
      priority = 77
      ui {
        link {
          label = "Runbook"
          url   = "https://runbook.example"
        }
      }
    }
    task "agent" {
      kill_timeout = "29s"
    }
  }
}

# A slice of a GPU, and a machine without any that would have had one.
machine "slice" {
  kind  = "gpu"
  image = "registry.example/machine:1"
  resources {
    cpu    = 4000
    memory = "32GiB"
  }
  gpu {
    model = "NVIDIA H100 NVL"
    mig   = "3g.47gb"
  }
  agent { redis = "redis://redis.example:6379" }
  service "comfyui" {
    per  = "gpu"
    port = "http"
    args = ["--gpu=${self.gpu}"]
  }
  worker "w" {
    connector = "comfyui"
    service   = "comfyui"
  }
}

machine "cpu" {
  extends = machine.slice
  gpu { count = 0 }
}

pool "slices" {
  machine = machine.slice
  size { max = 3 }
}

pool "cpus" {
  machine = machine.cpu
  size { max = 3 }
}
