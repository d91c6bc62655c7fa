flags    = ["CUDA", "Fast"]
password = "hunter2"
