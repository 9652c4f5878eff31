"""Functions of each element, or of elements that stand at the same place."""
