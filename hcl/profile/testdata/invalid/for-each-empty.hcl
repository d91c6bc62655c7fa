variable "regions" { default = [] }

machine "m" {
  kind   = "api"
  driver = "raw_exec"
  resources {
    cpu    = 500
    memory = "1GiB"
  }
  agent { redis = "redis://localhost:6379" }
  worker "w" { connector = "simulation" }
}

pool "p" {
  for_each = var.regions # warning: Pool "p" makes no pools; Its for_each is empty.
  machine  = machine.m
  size { max = 1 }
}

pool "q" {
  for_each = {} # warning: Pool "q" makes no pools
  machine  = machine.m
  size { max = 1 }
}
