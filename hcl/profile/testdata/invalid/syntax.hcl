variable "unused" {} # nothing is said of this while the syntax is wrong

machine "m" {
  kind: "api" # error: Argument or block definition required; To set an argument, use the equals sign "="
}
