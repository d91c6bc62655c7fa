variable "unused" { # warning: Variable "unused" is not used; Nothing refers to var.unused.
  default = 1
}
variable "checked-only" { # warning: Variable "checked-only" is not used
  default = 1
  validation {
    condition     = var.checked-only > 0
    error_message = "Above nothing."
  }
}
variable "used" { default = "redis://localhost:6379" }

machine "base" {
  image = "registry.example/m:1"
  agent { redis = var.used }
}
machine "m" {
  extends = machine.base
  kind    = "api"
  resources {
    cpu    = 1000
    memory = "1GiB"
  }
  service "s" {
    image      = "registry.example/s:1"
    privileged = true # warning: privileged = true; A privileged container can do anything that root can do on the host
  }
  worker "w" { connector = "simulation" }
}
machine "forgotten" { # warning: Machine "forgotten" is in no pool; Write pool "<name>" { machine = machine.forgotten … }.
  extends = machine.m
}

pool "p" {
  machine = machine.m
  size { max = 1 }
}
