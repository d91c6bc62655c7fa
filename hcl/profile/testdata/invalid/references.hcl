locals {
  size = "1GiB"
  text = var.nmae # error: Unknown variable "nmae"; There is no var.nmae.; Did you mean "name"?
}

variable "name" { default = "x" }

machine "main" {
  kind   = "api"
  image  = local.imagee # error: Unknown local value "imagee"
  driver = docker       # error: Unknown name "docker"; If a text is meant, put it in quotes: "docker".
  resources {
    cpu    = 1000
    memory = locals.size # error: Unknown name "locals"; Did you mean local.<name>?
  }
  agent { redis = var } # error: Incomplete reference; Write var.<name>.
  worker "w" { connector = "simulation" }
}

pool "p" {
  machine = machine.mein # error: Unknown machine "mein"; There is no machine.mein.; Did you mean "main"?
  size { max = 1 }
}
