"""Charts as SVG: bars, curves of a training, and lines over a size."""
