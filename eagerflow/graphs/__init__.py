"""What CUDA graphs of captured steps need (`eagerflow/capture/cuda`)."""
