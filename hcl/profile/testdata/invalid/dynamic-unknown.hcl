# Where a dynamic block can't be read, nothing is said about what is missing for that reason alone.
machine "api" {
  kind  = "api"
  image = "registry.example/m:1"
  resources {
    cpu    = 2000
    memory = "8GiB"
  }
  agent {
    redis = "redis://localhost:6379"
  }
  dynamic "worker" {
    for_each = var.providers # error: Unknown variable "providers"; Declare it: variable "providers" {}.
    labels   = [worker.key]
    content { connector = worker.key }
  }
}

pool "p" {
  machine = machine.api
  size {
    max = 1
  }
}
