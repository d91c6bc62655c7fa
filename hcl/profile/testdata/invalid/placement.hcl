machine "m" {
  kind  = "api"
  image = "registry.example/m:1"
  resources {
    cpu    = 1000
    memory = "1GiB"
  }
  agent { redis = "redis://localhost:6379" }
  worker "w" { connector = "simulation" }
}

pool "p" {
  machine = machine.m
  size { max = 1 }
  placement {
    datacenters = []        # error: No datacenters; Write datacenters = ["*"], or remove it.
    spread      = "rack"    # error: "rack" is not a node attribute
    constraint { # error: Missing argument "attribute"
      value = "x"
    }
    constraint { # error: Missing argument "value"; The operator "=" compares with a value.
      attribute = "node.class"
    }
    constraint {
      attribute = "attr.cpu.arch"
      operator  = "like" # error: Unknown operator "like"
      value     = "amd64"
    }
  }
}
