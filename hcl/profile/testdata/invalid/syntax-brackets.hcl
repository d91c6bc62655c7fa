# What isn't closed is reported where it was opened.
locals {
  a = ["x" # error: The [ is not closed; Write the missing ].
  b = 1
}
locals {
  a = max(1, 2 # error: The ( is not closed; Write the missing ).
  b = 1
}
locals {
  a = { b = 1 # error: The { is not closed
  c = 2
}
locals {
  a = { # error: The { is not closed
    b = [1, 2]
  c = 2
}
machine "a" {
  kind = "api"
  resources { # error: The { is not closed
    cpu = 1
  worker "w" {
    connector = "simulation"
  }
}
machine "b" { # error: The { is not closed
  kind = "api"
  resources {
    cpu = 1
  }

machine "c" {
  kind = "api"
  resources {
    cpu = 1
  }
  } # error: The } closes nothing
}
machine "d" {
  resources # error: A { is missing; Write resources {.
    cpu = 1
  }
}
machine "e" {
  gpu {
    count = 1
  }}} # error: The } closes nothing
}
locals {
  a = ["x"]] # error: The ] closes nothing
}
locals {
  a = max(1, 2)) # error: The ) closes nothing
}
locals {
  a = [1, 2) # error: The [ is not closed
}
locals {
  a = [
    "x" # error: A comma is missing
    "y",
  ]
}
locals {
  a = { b = 1 c = 2 } # error: A comma is missing
}
locals {
  a = [1,, 2] # error: A value is missing
}
locals {
  a = min(1 2) # error: A comma is missing
}
locals
{
  a = 1
}
machine "f" # error: A { is missing; Write machine "f" {.
  kind = "api"
}
