locals {
  a = "xxxxxxxxxxxxxxxx"
  b = replace(local.a, "x", local.a)
  c = replace(local.b, "x", local.b)
  d = [for i in range(20) : local.c] # error: The local value is too large; All of its texts together have more than 1 MiB.
  e = local.d
  f = indent(5000, "x\n") # error: from 0 to 1000
  g = format("%5000d", 1) # error: widths go up to 999
  h = format("%3d|%s", 1, "x")
  i = length("three") + length([1, 2])
}
