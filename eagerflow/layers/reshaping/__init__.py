"""Layers that change shapes: reshaping, cropping, padding, repeating."""
