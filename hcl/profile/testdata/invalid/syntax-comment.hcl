locals {
  a = 1
}

/* # error: The comment has no end
locals {
  b = 2
}
