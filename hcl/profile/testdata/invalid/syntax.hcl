variable "unused" {} # nothing is said of this while the syntax is wrong

machine "m" {
  kind: "api" # error: A colon instead of an equals sign; Write kind = "api".
}
