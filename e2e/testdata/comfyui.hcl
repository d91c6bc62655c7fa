# One machine with a real ComfyUI on the CPU (its GPU is simulated).

variable "agent" { type = string }
variable "redis" { type = string }
variable "blobs" { type = string }
variable "comfyui" {
  type        = string
  description = "A checkout of ComfyUI."
}
variable "python" {
  type        = string
  description = "A Python with ComfyUI's requirements."
}

machine "comfyui" {
  kind       = "gpu"
  driver     = "raw_exec"
  start_time = "30s"

  resources {
    cpu    = 800
    memory = "3GiB"
  }
  gpu {
    count = 1
  }
  agent {
    command = var.agent
    redis   = var.redis
    blobs   = var.blobs
  }
  service "comfyui" {
    per     = "gpu"
    port    = "http"
    command = var.python
    args = [
      "${var.comfyui}/main.py", "--cpu", "--disable-auto-launch",
      "--listen", "127.0.0.1", "--port", self.port,
      "--output-directory", "${nomad.task_dir}/output", "--temp-directory", nomad.task_dir,
      "--user-directory", nomad.task_dir, "--database-url", "sqlite:///:memory:",
    ]
    ready {
      path     = "/system_stats"
      interval = "2s"
      timeout  = "2s"
    }
  }
  worker "comfyui" {
    connector = "comfyui"
    service   = "comfyui"
  }
}

pool "comfyui" {
  machine = machine.comfyui
  size {
    min = 1
    max = 1
  }
}
