# The same machines in two regions: one module, used twice with different inputs.

project "regions" {}

locals {
  image = "registry.example/comfyui:0.3"
}

module "eu" {
  source = "./comfyui"
  inputs = {
    image       = local.image
    region      = "eu"
    datacenters = ["fra1", "ams1"]
    redis_url   = "redis://redis.eu.example:6379"
    size        = { min = 1, max = 10 }
  }
}

module "us" {
  source = "./comfyui"
  inputs = {
    image       = local.image
    region      = "us"
    datacenters = ["iad1"]
    redis_url   = "redis://redis.us.example:6379"
    models      = ["sdxl", "flux-dev", "wan-video"]
  }
}

# A module's machine can be extended or used in a pool like any other.
machine "us-large" {
  extends = module.us.machine.gpu
  resources { memory = "96GiB" }
  gpu { count = 2 }
}

pool "us-large" {
  machine = machine.us-large
  size { max = 2 }
  placement {
    region      = "us"
    datacenters = ["iad1"]
  }
}
