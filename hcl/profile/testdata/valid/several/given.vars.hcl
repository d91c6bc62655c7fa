max = 7
