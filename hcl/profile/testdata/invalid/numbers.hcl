locals {
  large = 1e400 # error: The number is too large
}
