"""The machine behind every layer: calls, weights, building, masks, shapes. The layers themselves are in `layers`."""
