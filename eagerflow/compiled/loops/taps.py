"""Some outputs of a depthwise convolution side by side, whose sums stay in the processor's registers."""

from __future__ import annotations

from typing import Any

from eagerflow.compiled.kernel import helper

__all__ = ["taps"]


@helper
def taps(
    size: Any,
    stride: Any,
    count: Any,
    missing: Any,
    wide: Any,
    out: Any,
    at: Any,
    seen: Any,
    rows: Any,
    kernel: Any,
    channels: Any,
) -> None:
    """Outputs side by side of a square kernel, for all channels of a pixel; all arrays are flat.

    Compiled it is a loop of instructions for each of some shapes (`taps.py`), whose single outputs have a stride of 1.

    Args:
        size: rows and columns of the kernel.
        stride: of the outputs, in pixels.
        count: of the outputs.
        missing: how many columns of their windows aren't there: below 0 the first ones, above 0 the last.
        wide: how many channels are computed at once.
        out: gets the outputs at `at`.
        at: see above.
        seen: the pixels.
        rows: where the first output's window begins in each row; there may be more of them.
        kernel: for every `wide` channels all its elements, the last of these up to the last channel.
        channels: of a pixel, at least `wide`.
    """
    for block, first in enumerate([*range(0, channels - wide, wide), channels - wide]):
        for output in range(count):
            for c in range(wide):
                found = 0.0
                for i in range(size):
                    for j in range(max(0, -missing), size - max(0, missing)):
                        pixel = seen[rows[i] + (output * stride + j) * channels + first + c]
                        found += pixel * kernel[((block * size + i) * size + j) * wide + c]
                out[at + output * channels + first + c] = found
