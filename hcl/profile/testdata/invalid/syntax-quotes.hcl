# One mistake in each outermost block is reported, where it was made.
locals {
  a = "docker # error: A quotation mark is missing; isn't closed on this line
  b = ["x"]
}
locals {
  a = docker" # error: A quotation mark is missing
}
locals {
  a = ["one, "two", "three"] # error: A quotation mark is missing; 5 of them
  b = "x"
}
locals {
  a = ["one", "two] # error: A quotation mark is missing
  b = {
    c = "x"
  }
}
locals {
  a = 'one' # error: Wrong quotation mark; Write "one".
}
locals {
  a = ['one', 'two'] # error: Wrong quotation mark; Write "one".
}
locals {
  a = `one` # error: Wrong quotation mark; Write "one".
}
locals {
  a = “one” # error: Wrong quotation mark; straight quotation marks; Write "one".
}
locals {
  a = „one” # error: Wrong quotation mark; Write "one".
}
locals {
  a = ‘one’ # error: Wrong quotation mark; double quotation marks; Write "one".
}
locals {
  a = «one» # error: Wrong quotation mark; Write "one".
}
machine 'm' { # error: Wrong quotation mark; Write "m".
  kind = "api"
}
pool "p { # error: A quotation mark is missing
  machine = machine.m
  size { max = 1 }
}
locals {
  a = "x ${var.tag" # error: is not closed; Write the missing }
  b = "y"
}
locals {
  a = "C:\programs" # error: Unknown character after a backslash; \p has none; write \\
}
locals {
  a = "one # error: A quotation mark is missing
  two"
}
