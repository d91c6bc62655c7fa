pool "second-in-name" {
  machine = machine.m
  size { max = var.max }
}
