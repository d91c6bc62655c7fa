project "emprops" {
  owner = "me" # error: Unknown argument "owner"
}

project "emprops" {} # error: A second project; "emprops", declared on testdata/invalid/project.hcl:1
project "studio" {}  # error: A second project; Take one of the blocks out
project {}           # error: The project block needs a name; Write project "<name>" { … }.
project "a" "b" {}   # error: A project block has one name only
