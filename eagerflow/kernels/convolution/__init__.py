"""Convolutions: the choice of the algorithm, and the algorithms that take any kernel size."""
