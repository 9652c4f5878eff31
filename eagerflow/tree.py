"""Nested structures, under the names of `keras.tree`."""

from __future__ import annotations

from eagerflow.core.tree import assert_same_structure, flatten, is_nested, map_structure, pack_sequence_as

__all__ = ["assert_same_structure", "flatten", "is_nested", "map_structure", "pack_sequence_as"]
