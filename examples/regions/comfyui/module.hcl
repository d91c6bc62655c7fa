# What every region has. The module block that uses this directory sets the variables; nothing else of its file is visible here.

variable "image" { type = string }
variable "region" { type = string }
variable "datacenters" { type = list(string) }
variable "redis_url" { type = string }

variable "models" {
  type    = list(string)
  default = ["sdxl", "flux-dev"]
}

variable "size" {
  type    = object({ min = optional(number, 0), max = number })
  default = { max = 4 }
}

machine "gpu" {
  kind  = "gpu"
  image = var.image
  resources {
    cores  = 8
    memory = "32GiB"
  }
  gpu { memory = "24GiB" }
  agent {
    redis = var.redis_url
    blobs = "s3://results-${var.region}"
  }
  service "comfyui" {
    per     = "gpu"
    port    = "http"
    command = "/bin/sh"
    args    = ["-c", templatefile("start.sh.tmpl", { port = self.port, gpu = self.gpu, models = var.models })]
    ready { path = "/system_stats" }
  }
  worker "comfyui" {
    connector    = "comfyui"
    service      = "comfyui"
    capabilities = ["cuda"]
    offers       = { model = var.models, region = var.region }
  }
}

pool "gpu" {
  machine = machine.gpu
  size {
    min = var.size.min
    max = var.size.max
  }
  placement {
    region      = var.region
    datacenters = var.datacenters
    spread {
      attribute = "node.datacenter"
      dynamic "target" {
        for_each = var.datacenters
        labels   = [target.value]
        content { percent = floor(100 / length(var.datacenters)) }
      }
    }
  }
}
