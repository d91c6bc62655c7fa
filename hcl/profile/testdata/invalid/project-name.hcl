project "Em Props" {} # error: "Em Props" is no name of a project; Write "em-props".
