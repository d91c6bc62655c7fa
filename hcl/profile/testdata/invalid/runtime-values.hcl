locals { where = nomad.alloc_dir } # error: "nomad" can't be used here; nomad.* is known on the machine that runs a task

variable "v" { default = local.x } # error: "local" can't be used here; Here only constants are allowed.

machine "m" {
  kind  = "api"
  image = "registry.example/${nomad.node_name}:1" # error: "nomad" can't be used here
  env   = { PORT = self.port }                    # error: "self" can't be used here; it has a meaning in a service's command, args and env only.
  resources {
    cpu    = 1000
    memory = "1GiB"
  }
  agent { redis = "redis://localhost:6379" }
  service "s" {
    port    = "http"
    command = "x"
    args    = [self.prot, machine.m] # error: Unknown run-time value "prot"; Did you mean "port"? # error: "machine" can't be used here
  }
  worker "w" { connector = "simulation" }
}

pool "p" {
  machine = machine.m
  size { max = 1 }
}
