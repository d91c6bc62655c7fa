machine "m" {
  kind  = "api"
  image = "registry.example/m:1"
  resources {
    cpu    = 1000
    memory = "1GiB"
  }
  agent { redis = "redis://localhost:6379" }
  worker "w" {
    connector = "simulation"
    offers = {
      Model = ["a"] # error: "Model" is not a valid name of a capability with a value; Write "model".
    }
  }
}

pool "p" {
  machine = machine.m
  size { max = 1 }
}
