machine "gpu" {
  kind  = "gpu"
  image = "registry.example/m:1"
  resources {
    cpu    = 2000
    memory = "8GiB"
  }
  gpu {
    constraint {
      operator = "distinct_hosts" # error: Unknown operator "distinct_hosts"
    }
    constraint {
      attribute = "device.model"
      operator  = "distinct_property" # error: Unknown operator "distinct_property"
    }
    affinity {
      attribute = "device.model"
      operator  = "regexp"
      value     = "A100(" # error: "A100(" is not a regular expression; RE2
    }
  }
  agent {
    redis = "redis://localhost:6379"
  }
  service "comfyui" {
    per  = "gpu"
    port = "http"
  }
  worker "comfyui" {
    connector = "comfyui"
    service   = "comfyui"
  }
}

pool "p" {
  machine = machine.gpu
  size {
    max = 1
  }
  placement {
    constraint {
      attribute = "attr.kernel.version"
      operator  = "version"
      value     = "newest" # error: "newest" is not a version constraint; >= 1.2, < 2
    }
    constraint {
      attribute = "attr.kernel.version"
      operator  = "semver"
      value     = "~> 5.4.0" # error: "~> 5.4.0" is not a constraint on semantic versions; ~> is not among them
    }
    constraint {
      attribute = "meta.rack"
      operator  = "is_set"
      value     = "r1" # error: Value beside "is_set"; Take the value out
    }
    constraint {
      attribute = "meta.rack"
      operator  = "distinct_property"
      value     = "none" # error: "none" is not a number of machines
    }
    constraint {
      attribute = "meta.rack"
      value     = "" # error: The value is empty; The operator "=" compares with a value.
    }
    constraint {
      attribute = "meta.rack"
      operator  = "regxp" # error: Did you mean "regexp"?
      value     = ""
    }
    spread {
      attribute = "meta.rack"
      target "r1" { percent = 10 }
      target "r1" { percent = 20 } # error: r1
    }
  }
}
