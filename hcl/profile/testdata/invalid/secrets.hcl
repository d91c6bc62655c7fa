machine "m" {
  kind  = "api"
  image = secret("a", "b") # error: secret() can't be used here; Put it into env
  env   = {
    GOOD   = secret("a/b", "key")
    PREFIX = "Bearer ${secret("a/b", "key")}" # error: A secret must be the whole value
  }
  resources {
    cpu    = 1000
    memory = "1GiB"
  }
  agent { redis = "redis://localhost:6379" }
  service "s" {
    args = ["--key", secret("a", "b")] # error: secret() can't be used here; "args" isn't one.
  }
  worker "w" {
    connector = "simulation"
    settings  = { key = secret("a", "b") } # error: secret() can't be used here
    offers    = { key = secret("a", "b") } # error: secret() can't be used here
  }
}

pool "p" {
  machine = machine.m
  size { max = 1 }
}
