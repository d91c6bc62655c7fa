machine "m" {
  kind  = "api"
  image = "a b" # error: "a b" is not an image reference; a registry, a name and a tag; image = "registry.example/comfyui:1.2"
  resources {
    cpu    = 2000
    memory = "8GiB"
  }
  agent { redis = "redis://localhost:6379" }
  service "s" {
    image = "registry.example/comfy ui:tag" # error: "registry.example/comfy ui:tag" is not an image reference
  }
  worker "w" { connector = "simulation" }
}

pool "p" {
  machine = machine.m
  size { max = 1 }
}

pool "empty" {
  machine = machine.m
  override {
    image = "" # error: "" is not an image reference
  }
  size { max = 1 }
}
