"""3x3 convolutions with few multiplications, after Winograd; 3-D ones by the same means."""
