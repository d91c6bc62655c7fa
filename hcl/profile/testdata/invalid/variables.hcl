variable "typed" {
  type    = number
  default = "many" # error: Wrong type for variable "typed"; It is declared as number: a number is required.
}
variable "needed" { # error: No value for variable "needed"; Give it one with -var needed=…, in a -var-file, or with MACHINECTL_VAR_needed in the environment.
  type = string
}
variable "checked" { # error: Invalid value for variable "checked"; At most 3, not 5.
  default = 5
  validation {
    condition     = var.checked <= 3
    error_message = "At most 3, not ${var.checked}."
  }
}
variable "odd" {
  default = 1
  validation { # error: Missing argument "error_message"; A validation block must have it.
    condition = var.odd > 0
  }
}
variable "hollow" {
  default = 1
  validation {} # error: Missing argument "condition"; A validation block must have it. # error: Missing argument "error_message"; A validation block must have it.
}
variable "loose" {
  default = 1
  validation {
    condition     = "yes" # error: The condition is neither true nor false
    error_message = "no"
  }
}
variable "badtype" {
  type      = strng # error: Invalid type specification; Did you mean "string"?
  sensitive = "yes" # error: Wrong type for "sensitive"; It takes a bool.
}
variable "unknown" { # broken: no further complaint about its value
  defualt = 1 # error: Unknown argument "defualt"; Did you mean "default"?
}
