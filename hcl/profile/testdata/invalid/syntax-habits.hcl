# What people write who know another language.
machine "a" {
  kind: "api" # error: A colon instead of an equals sign; Write kind = "api".
}
machine "b" {
  "kind": "api", # error: A colon instead of an equals sign; Write kind = "api".
}
machine "c" {
  resources: { # error: A colon after a name; Write resources { … } for a block
    cpu = 1
  }
}
machine "d" {
  kind "api" # error: An equals sign is missing; Write kind = "api".
}
machine "e" {
  kind := "api" # error: := instead of an equals sign; Write kind = "api".
}
machine "f" {
  kind == "api" # error: == instead of an equals sign
}
machine "g" {
  kind = "api", # error: A comma after an argument; Remove the comma.
}
machine "h" {
  kind = "api"; # error: Semicolon
}
machine "i" {
  kind = "api" driver = "exec" # error: Two arguments on one line
}
machine "j" {
  kind = # error: "kind" has no value
}
machine "k" {
  "kind" = "api" # error: An argument's name in quotation marks; Write kind = …
}
machine = "l" { # error: An equals sign before a block's name; Write machine "l" {.
  kind = "api"
}
machine "m" # error: The brace belongs on this line; Write machine "m" {.
{
  kind = "api"
}
machine "n" {
  start_time = 30s # error: A number with a unit, without quotation marks; Write start_time = "30s".
}
machine "o" {
  start_time = 30 min # error: A number with a unit, without quotation marks
}
machine "p" {
  resources {
    memory = 24GiB # error: A number with a unit, without quotation marks; Write memory = "24GiB".
  }
}
machine "q" {
  image = registry.example/m:1 # error: Text without quotation marks; Write image = "registry.example/m:1".
}
machine "r" {
  agent { redis = redis://localhost } # error: The { is not closed; From // on, a line is a comment
}
machine "s" {
  agent {
    redis = redis://localhost # error: Text without quotation marks; Write redis = "redis://localhost".
  }
}
machine "t" {
  image = ${local.image} # error: A template outside of quotation marks; Write local.image
}
machine "u" {
  image = $image # error: A dollar sign before a name; Write image.
}
machine "v" {
  kind = if true then "api" else "gpu" # error: Wrong form of a condition; condition ? value : other
}
machine "w" {
  kind = true ? "api" # error: A condition without an alternative
}
machine "x" {
  kind = true and false ? "api" : "gpu" # error: Unknown operator "and"; Write &&.
}
machine "y" {
  kind = true & false ? "api" : "gpu" # error: Unknown operator &; write &&
}
machine "z" {
  env = { A => "b" } # error: => instead of an equals sign; Write =.
}
machine "aa" {
  env = [for x of ["a"] : x] # error: Wrong form of a for expression; [for x in list : value]
}
machine "ab" {
  worker: # error: A colon after a name; That is the syntax of YAML
    - connector: simulation
}
machine "ac" {
  start # error: "start" without a value
}
machine "ad" {
  kind = "api" machines # error: The argument doesn't end here; Its value is followed by machines
}
machine "ae" {
  kind = "api" + # error: A value is missing
}
machine "af" {
  resources { cpu = 1 memory = "1GiB" } # error: Two arguments on one line
}
machine "ag" {
<<<<<<< HEAD # error: Unresolved merge conflict
  kind = "api"
=======
  kind = "gpu"
>>>>>>> other
}
locals {
  a = <<- EOT # error: Wrong start of a heredoc; Write <<-EOT
  text
  EOT
}
locals {
  a = <<"EOT" # error: Wrong start of a heredoc
  text
  EOT
}
locals {
  a = upper("x" # error: The ( is not closed
}
locals {
  a = "%{ if true }x" # error: A directive without an end
}
locals {
  a = "%{ unless true }x" # error: Unknown directive
}
locals {
  a = 2 ** 3 # error: Unknown operator **
}
locals {
  a = 1 – 2 # error: Wrong dash
}
locals {
  a = 1 # error: Unknown character U+00A0; looks like a space
}
