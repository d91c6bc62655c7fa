# A module's machines and pools are named after it; what is inside sees nothing of this file but its inputs.
locals { registry = "registry.example" }

module "eu" {
  source = "../modules/comfy"
  inputs = { image = "${local.registry}/eu:1", models = ["flux-dev"] }
}

module "us" {
  source = "../modules/nested"
  inputs = { image = "${local.registry}/us:1" }
}

machine "large" {
  extends = module.eu.machine.gpu
  resources { memory = "64GiB" }
}

pool "large" {
  machine = machine.large
  size { max = 1 }
}
