# Blocks made from data.
variable "apis" {
  type    = map(number)
  default = { openai = 4, replicate = 2 }
}
locals {
  racks = [{ name = "r1", share = 70 }, { name = "r2", share = 30 }]
}

machine "api" {
  kind  = "api"
  image = "registry.example/m:1"
  resources {
    cpu    = 500
    memory = "256MiB"
  }
  agent { redis = "redis://localhost:6379" }
  dynamic "worker" {
    for_each = var.apis
    labels   = ["w-${worker.key}"]
    content {
      connector   = "simulation"
      concurrency = worker.value
    }
  }
}

pool "apis" {
  machine = machine.api
  size { max = 2 }
  placement {
    dynamic "constraint" {
      for_each = ["amd64"]
      content {
        attribute = "attr.cpu.arch"
        value     = constraint.value
      }
    }
    spread {
      attribute = "meta.rack"
      dynamic "target" {
        for_each = local.racks
        iterator = rack
        labels   = [rack.value.name]
        content { percent = rack.value.share + rack.key * 0 }
      }
    }
  }
}
