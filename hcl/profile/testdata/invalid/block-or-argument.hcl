machine "m" {
  kind = "api"
  image "registry.example/m:1" {} # error: "image" is an argument; Write image = …
  resources = { cpu = 100 } # error: "resources" is a block; A block has no equals sign.; Write resources { … }.
  agent { redis = "redis://localhost:6379" }
  worker "w" { connector = "simulation" }
}

machine "n" { # error: Missing argument "image" # error: Missing block "resources"
  kind = "api"
  agent { redis = "redis://localhost:6379" }
  worker "w" { connector = "simulation" }
}

pool = "x" # error: "pool" is a block

title = "my profile" # error: Argument outside of a block; write locals { title = … }
