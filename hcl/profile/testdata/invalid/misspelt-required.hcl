# A misspelt name is reported once, and not as missing too.
machine "a" {
  kidn  = "api"                   # error: Did you mean "kind"?
  iamge = "registry.example/m:1"  # error: Did you mean "image"?
  resources {
    cpus    = 1000   # error: Did you mean "cpu"?
    memmory = "1GiB" # error: Did you mean "memory"?
  }
  agent { rediss = "redis://localhost:6379" } # error: Did you mean "redis"?
  worker "w" { conector = "simulation" } # error: Did you mean "connector"?
}

machine "b" {
  kind  = "gpu"
  image = "registry.example/m:1"
  resuorces { # error: Did you mean "resources"?
    cpu    = 1000
    memory = "1GiB"
  }
  agnet { redis = "redis://localhost:6379" } # error: Did you mean "agent"?
  gpus { count = 1 } # error: Did you mean "gpu"?
  wroker "w" { connector = "simulation" } # error: Did you mean "worker"?
}

machine "c" {
  kind   = "gpu"
  driver = "exec"
  resources {
    cpu    = 1000
    memory = "1GiB"
  }
  agent { redis = "redis://localhost:6379" }
  setup { comand = "/bin/true" } # error: Did you mean "command"?
  gpu {
    constraint {
      atribute = "device.attr.memory_clock" # error: Did you mean "attribute"?
      operater = ">" # error: Did you mean "operator"?
      valeu    = "1" # error: Did you mean "value"?
    }
    affinity {
      attribute = "device.model"
      vlaue     = "NVIDIA L4" # error: Did you mean "value"?
    }
  }
  volume "models" {
    type   = "csi"
    souce  = "models"  # error: Did you mean "source"?
    path   = "/models"
    acces_mode      = "single-node-writer" # error: Did you mean "access_mode"?
    atachment_mode  = "file-system" # error: Did you mean "attachment_mode"?
  }
  service "comfyui" {
    pre     = "gpu" # error: Did you mean "per"?
    comand  = "/bin/comfyui" # error: Did you mean "command"?
    port    = "http"
    artifact { sorce = "https://example.com/a.tgz" } # error: Did you mean "source"?
  }
  worker "w" {
    connector = "comfyui"
    servce    = "comfyui" # error: Did you mean "service"?
  }
}

mahcine "d" { # error: Did you mean "machine"?
  kind = "api"
}

pool "p" {
  machnie = machine.a # error: Did you mean "machine"?
  size { maxx = 1 } # error: Did you mean "max"?
}

pool "q" {
  machine = machine.b
  siez { max = 1 } # error: Did you mean "size"?
}

pool "r" {
  machine = machine.c
  size { max = 1 }
  placement {
    constraint {
      atttribute = "attr.cpu.arch" # error: Did you mean "attribute"?
      value      = "amd64"
    }
    spread {
      atribute = "node.datacenter" # error: Did you mean "attribute"?
    }
  }
}

pool "s" {
  machine = machine.d
  size { max = 1 }
}

pool "t" {
  machine  = machine.a
  for_eahc = ["x"] # error: Did you mean "for_each"?
  size { max = each.value }
}

module "m" {
  souce = "./nowhere" # error: Did you mean "source"?
}

variable "v" {
  defualt = "x" # error: Did you mean "default"?
  validation {
    condtion      = var.v != "" # error: Did you mean "condition"?
    error_message = "It is empty."
  }
}

varable "w" { # error: Did you mean "variable"?
  default = "x"
}

local { # error: Did you mean "locals"?
  x = 1
}

machine "e" {
  kind  = "api"
  image = "${var.w}:${local.x}"
  resources {
    cpu    = 1000
    memory = "1GiB"
  }
  agent { redis = "redis://localhost:6379" }
  dynamic "worker" {
    for_eech = ["a"] # error: Did you mean "for_each"?
    labels   = [worker.value]
    content { connector = "simulation" }
  }
}

machine "f" {
  kind  = "hybrid"
  image = "x"
  resources {
    cpu    = 1000
    memory = "1GiB"
  }
  agent { redis = "redis://localhost:6379" }
  servise "comfyui" { # error: Did you mean "service"?
    per = "gpu"
  }
  gpu { count = 1 }
  worker "w" {
    connector = "comfyui"
    service   = "comfyui"
  }
}
