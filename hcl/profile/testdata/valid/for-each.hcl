# One pool per item, and one machine per item.
locals {
  cards = {
    rtx4090 = { model = "NVIDIA GeForce RTX 4090", memory = "24GiB", most = 8 }
    h100    = { model = "NVIDIA H100 80GB HBM3", memory = "80GiB", most = 2 }
  }
}

machine "gpu" {
  for_each = local.cards
  kind     = "gpu"
  image    = "registry.example/m:${each.key}"
  resources {
    cpu    = 2000
    memory = "8GiB"
  }
  gpu {
    model  = each.value.model
    memory = each.value.memory
  }
  agent { redis = "redis://localhost:6379" }
  service "comfyui" {
    per  = "gpu"
    port = "http"
  }
  worker "w" {
    connector = "comfyui"
    service   = "comfyui"
  }
}

pool "cards" {
  for_each = local.cards
  machine  = machine.gpu[each.key]
  size { max = each.value.most }
}

pool "zone" {
  for_each = ["a", "b"]
  machine  = machine.gpu["h100"]
  size { max = 1 }
  placement { datacenters = ["dc-${each.value}"] }
}
