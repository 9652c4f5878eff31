"""Constants as they are while a step is captured: it may change its lists and arrays later, and fill a buffer anew."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow.capture.arguments.layouts import copied
from eagerflow.capture.instructions import Const, Group, Ref

__all__ = ["as_now"]


def as_now(ref: Ref) -> Ref:
    """The same reference; what it holds stays as it is now."""
    if isinstance(ref, Group):
        return Group(ref.kind, list(map(as_now, ref.parts)), ref.keys)
    return Const(_held(ref.constant)) if isinstance(ref, Const) else ref


def _held(value: Any) -> Any:
    kind = value.__class__
    if kind in (list, tuple):
        return kind(map(_held, value))
    if kind is dict:
        return {key: _held(each) for key, each in value.items()}
    if kind in (set, bytearray):
        return value.copy()
    return copied(value) if kind is numpy.ndarray and value.flags.writeable else value
