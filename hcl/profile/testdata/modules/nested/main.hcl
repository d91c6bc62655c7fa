variable "image" {}
module "a" {
  source = "../comfy"
  inputs = { image = "${var.image}-a" }
}
machine "b" {
  extends = module.a.machine.gpu
  gpu { count = 2 }
}
pool "b" {
  machine = machine.b
  size { max = 1 }
}
