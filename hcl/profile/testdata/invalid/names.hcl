machine "GPU_Machine" { # error: "GPU_Machine" is not a valid machine name; lower-case letters, digits and dashes, starting with a letter.; Write "gpu-machine".
  kind  = "api"
  image = "registry.example/m:1"
  resources {
    cpu    = 1000
    memory = "1GiB"
  }
  agent { redis = "redis://localhost:6379" }
  service "a" {}
  service "-" {} # error: "-" is not a valid service name
  service "a" {} # error: Repeated service "a"; It is already declared, at testdata/invalid/names.hcl:9.; Give one of them another name.
  service "agent" {} # error: The name "agent" is taken; It is the name of the task of the agent.
  worker "w" { connector = "simulation" }
  worker {} # error: The worker block needs a name; Write worker "<name>" { … }.
  worker "a" "b" {} # error: A worker block has one name only
  setup "x" {} # error: A setup block has no name
}

pool "a-pool-with-a-name-that-is-long" { # error: The name of this pool is too long; It has 31 characters, and the most is 24.
  machine = machine.GPU_Machine
  size { max = 1 }
  size { max = 2 } # error: Repeated size; Write everything into one block.
}

variable "a b" {} # error: "a b" is not a valid variable name # error: No value for variable "a b"
