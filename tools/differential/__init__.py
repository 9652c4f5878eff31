"""Random programs and layers, computed here and by other frameworks: `make differential`."""
