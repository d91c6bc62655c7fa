project "Em Props" {} # error: "Em Props" is not a valid project name; Write "em-props".
