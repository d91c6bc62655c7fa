variable "v" { default = 1 }
variable "v" { default = 2 } # error: Repeated variable "v"; It is already declared, at testdata/invalid/duplicates.hcl:1.

locals { a = var.v }
locals { a = 2 } # error: Repeated local value "a"

machine "m" {
  kind  = "api"
  image = "registry.example/m:1"
  image = "registry.example/m:2" # error: Repeated argument "image"
  resources {
    cpu    = 1000
    memory = "1GiB"
  }
  agent { redis = "redis://localhost:6379" }
  worker "w" { connector = "simulation" }
  worker "w" { connector = "simulation" } # error: Repeated worker "w"
}

machine "m" {} # error: Repeated machine "m"; It is already declared, at testdata/invalid/duplicates.hcl:7.

pool "p" {
  machine = machine.m
  size { max = 1 }
}

pool "p" {} # error: Repeated pool "p"
