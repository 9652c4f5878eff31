"""Convolutions under Keras 1's names."""

from __future__ import annotations

from typing import Any

from eagerflow.base.typing import Shape
from eagerflow.compat.keras_1.by_numbers import OlderName, by_numbers
from eagerflow.layers import Conv1D, Conv2D, Conv2DTranspose, Conv3D, Conv3DTranspose, SeparableConv2D

__all__ = ["AtrousConvolution1D", "AtrousConvolution2D", "Convolution2D", "Convolution3D", "Deconvolution2D"]
__all__ += ["Deconvolution3D", "SeparableConvolution2D"]

AtrousConvolution1D = Conv1D
Convolution2D = by_numbers(Conv2D, "Convolution2D", sure=True)
Convolution3D = by_numbers(Conv3D, "Convolution3D", sure=True)
SeparableConvolution2D = by_numbers(SeparableConv2D, "SeparableConvolution2D", sure=True)
AtrousConvolution2D = by_numbers(Conv2D, "AtrousConvolution2D", sure=True)
Deconvolution3D = by_numbers(Conv3DTranspose, "Deconvolution3D", sure=True)
_by_numbers: Any = by_numbers(Conv2DTranspose, "Deconvolution2D", sure=True)


class DeconvolutionToShape(Conv2DTranspose):
    """A transposed convolution with a given output shape."""

    def __init__(self, *args: Any, output_shape: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.wanted = tuple(output_shape)

    def build(self, input_shape: Shape) -> None:
        """Make the weights, and choose the padding of the output that gives the shape.

        Raises:
            ValueError: when none does.
        """
        wanted: Any = self._spatial(self.wanted)
        if None not in wanted:
            self.output_padding = (0,) * self.rank
            least: Any = self._spatial(self.compute_output_shape(input_shape))
            more = tuple([w - n for w, n in zip(wanted, least, strict=True)])
            if not all(0 <= m < s for m, s in zip(more, self.strides, strict=True)):
                raise ValueError(
                    f'Deconvolution2D "{self.name}"(output_shape={self.wanted}): windows of {self.kernel_size} with '
                    f"strides of {self.strides} make {least} of {tuple(input_shape)}, and up to "
                    f"{tuple([s - 1 for s in self.strides])} more."
                )
            self.output_padding = more
        super().build(input_shape)


class Deconvolution2D(Conv2DTranspose, metaclass=OlderName):
    """`Conv2DTranspose` as Keras 1 wrote it: `Deconvolution2D(8, 3, 3, output_shape=(None, 14, 14, 8))`."""

    @staticmethod
    def made(*args: Any, output_shape: Any = None, **kwargs: Any) -> Any:
        """The layer."""
        given = list(args)
        if len(given) == 4 and isinstance(given[3], (tuple, list)):
            output_shape = given.pop()
        if output_shape is None:
            return _by_numbers(*given, **kwargs)
        given[1:] = [tuple(given[1:])] if len(given) == 3 else given[1:]
        return DeconvolutionToShape(*given, output_shape=output_shape, **kwargs)
