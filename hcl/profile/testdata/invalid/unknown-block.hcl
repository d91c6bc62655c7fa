machine "m" {
  kind  = "api"
  image = "registry.example/m:1"
  resources {
    cpu    = 1000
    memory = "1GiB"
  }
  agent { redis = "redis://localhost:6379" }
  worker "w" { connector = "simulation" }
  servise "comfyui" { # error: Unknown block "servise"; A machine block has no block of this kind.; Did you mean "service"?
    nonsense = true
  }
}

pool "p" {
  machine = machine.m
  size { max = 1 }
}

poool "q" {} # error: Did you mean "pool"?

provider "aws" {} # error: Unknown block "provider"; A profile has project, variable, locals, environment, module, machine and pool blocks.
