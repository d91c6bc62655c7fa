variable "max" { type = number }
locals { image = "registry.example/machine:1" }
