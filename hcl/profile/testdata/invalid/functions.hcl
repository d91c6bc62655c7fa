locals {
  a = uper("x")            # error: Unknown function "uper"; Did you mean upper()?
  b = parseint("zz", 10)   # error: A function takes something else
  c = base64encode("ok")
  d = secret("a b", "key") # error: A function takes something else
  e = "${a}"               # error: Unknown name "a"
  f = base64decode("%")    # error: this is not base64
}

machine "m" {
  kind  = "api"
  image = "registry.example/m:1"
  env   = { X = sha256(nomad.alloc_id) } # error: self, nomad and secret() values are known on the machine only
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
}
