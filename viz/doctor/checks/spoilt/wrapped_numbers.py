"""`unscaled_input.wrapped`: pictures of bytes, whose numbers wrapped around at 256 before they were converted."""

from __future__ import annotations

from typing import Any

import numpy

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, first_tensor, host, number
from viz.doctor.checks.spoilt.byte_tables import Wrapped, wrapped_bytes
from viz.doctor.user_code import Place

__all__ = ["WrappedNumbers"]


class WrappedNumbers(Check):
    """Compares what a network is given with what the script makes of bytes, with and without wrapping."""

    begins = ("layer", "model")

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._values = numpy.zeros(0)
        self._batches = 0
        self._file = ""

    def on_scope_begin(self, opened: Any) -> None:
        if self._batches >= limits.WINDOW or not self.watch.outermost():
            return
        given = first_tensor(opened.scope.inputs)
        values = None if given is None or given.key is not None else host(given.data)
        if values is None or values.dtype.kind not in "fiu" or not values.size:
            return
        place = self.watch.called_at()
        self._file = place.file if place is not None else self._file
        self._batches += 1
        self._values = numpy.union1d(self._values, values.astype("float64").reshape(-1)[: limits.WRAPPED_NUMBERS])

    def finish(self) -> None:
        """Read the script where what was given can be bytes."""
        if not self._file or not 0 < len(self._values) <= 256:
            return
        for found in wrapped_bytes(self._file):
            if self._fits(found):
                self._tell(found)
                return

    def _fits(self, found: Wrapped) -> bool:
        """Is all that was given what wrapping makes, and could it not be without?"""
        if not _within(self._values, found.made).all():
            return False
        strange = ~_within(self._values, found.meant)
        # Twice a byte is one of the numbers that were meant, too: but not where all bytes are used.
        used = found.full and len(self._values) >= limits.WRAPPED_USED * len(numpy.unique(found.made))
        return int(strange.sum()) >= limits.WRAPPED_STRANGE or used

    def _tell(self, found: Wrapped) -> None:
        low, high = (number(float(each)) for each in (self._values[0], self._values[-1]))
        meant = found.meant.astype("float64")
        worst = int(numpy.abs(found.made.astype("float64") - meant).argmax())
        self.watch.report(
            "unscaled_input.wrapped",
            "warning",
            f"the script computes {found.code} in bytes (uint8), which hold 0 to 255 and wrap around beyond that: "
            f"{worst} ends up as {number(float(found.made[worst]))} instead of {number(float(meant[worst]))}, and the "
            f"inputs range from {low} to {high}, with low and high numbers mixed up",
            place=Place(self._file, found.line),
            key=("unscaled_input", "wrapped"),
            evidence={"lowest": float(self._values[0]), "highest": float(self._values[-1]), "code": found.code},
        )


def _within(values: numpy.ndarray, table: numpy.ndarray) -> numpy.ndarray:
    """Which of these values are in a table, but for rounding?"""
    known = numpy.unique(table.astype("float64"))
    after = numpy.searchsorted(known, values).clip(1, max(1, len(known) - 1))
    sides = [known[numpy.minimum(each, len(known) - 1)] for each in (after - 1, after)]
    nearest = numpy.minimum(*[numpy.abs(values - side) for side in sides])
    rounding: numpy.ndarray = nearest <= 1e-6 * max(1.0, float(numpy.abs(known).max()))
    return rounding
