# The rules of extends: arguments of the child win, maps are merged by key, null takes away, blocks are merged with their
# namesake, lists are replaced.
machine "base" {
  image      = "registry.example/machine:1"
  start_time = "90s"
  env        = { A = "base", B = "base", S = secret("p", "k"), T = "plain" }
  resources {
    cpu    = 1000
    memory = "1GiB"
    disk   = "1GiB"
  }
  agent {
    redis = "redis://localhost:6379"
    grace = "10s"
  }
  service "tool" {
    port = "http"
    args = ["--base", "x"]
    env  = { A = "tool" }
  }
  worker "sim" {
    connector    = "simulation"
    service      = "tool"
    capabilities = ["base"]
    offers       = { a = 1, b = 2 }
    settings     = { speed = 2 }
  }
}

machine "middle" {
  extends = machine.base
  kind    = "api"
  env     = { B = "middle", S = "no secret any more", T = secret("q", "k") }
  resources { memory = "2GiB" }
}

machine "leaf" {
  extends    = machine.middle
  start_time = null
  resources {
    cpu   = null
    cores = 4
    disk  = null
  }
  service "tool" { args = ["--leaf"] }
  worker "sim" {
    capabilities = ["leaf"]
    offers       = { b = 3 }
  }
  worker "more" { connector = "simulation" }
}

pool "middle" {
  machine = machine["middle"]
  size { max = 1 }
}
pool "leaf" {
  machine = true ? machine.leaf : machine.middle
  size { max = 1 }
}
