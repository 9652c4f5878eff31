"""Windows over spatial axes: where they lie, and what is computed of them, as array functions for any device."""
