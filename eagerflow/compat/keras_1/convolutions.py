"""Convolutions under Keras 1's names."""

from __future__ import annotations

from typing import Any

from eagerflow.layers import Conv1D, Conv2D, Conv2DTranspose, Conv3DTranspose
from eagerflow.layers.first_names import OlderName, by_numbers

__all__ = ["AtrousConvolution1D", "AtrousConvolution2D", "Deconvolution2D", "Deconvolution3D"]

AtrousConvolution1D = Conv1D
AtrousConvolution2D = by_numbers(Conv2D, "AtrousConvolution2D", sure=True)
Deconvolution3D = by_numbers(Conv3DTranspose, "Deconvolution3D", sure=True)
_by_numbers: Any = by_numbers(Conv2DTranspose, "Deconvolution2D", sure=True)


class DeconvolutionToShape(Conv2DTranspose):
    """A transposed convolution that was told the shape of its output."""

    def __init__(self, *args: Any, output_shape: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.wanted = tuple(output_shape)

    def build(self, input_shape: Any) -> None:
        """Make the weights, and choose the padding of the output that gives the shape."""
        wanted = self._spatial(self.wanted)
        if None not in wanted:
            least = 0 if self.padding == "valid" else -1
            plain = Conv2DTranspose(
                self.filters, self.kernel_size, self.strides, self.padding, output_padding=0, data_format=self.data_format
            ).compute_output_shape(input_shape)
            more = [w - n for w, n in zip(wanted, self._spatial(plain), strict=True)]
            if not all(least < m + 1 and m < s for m, s in zip(more, self.strides, strict=True)):
                raise ValueError(
                    f'Deconvolution2D "{self.name}"(output_shape={self.wanted}): a window of {self.kernel_size} with '
                    f"strides of {self.strides} makes {self._spatial(plain)} of {tuple(input_shape)}, and up to "
                    f"{tuple(s - 1 for s in self.strides)} more."
                )
            self.output_padding = tuple(more)
        super().build(input_shape)


class Deconvolution2D(Conv2DTranspose, metaclass=OlderName):
    """`Conv2DTranspose` as Keras 1 wrote it: `Deconvolution2D(8, 3, 3, output_shape=(None, 14, 14, 8))`.

    Args:
        *args: the filters, height and width of the window, and the shape of the output.
        output_shape: of the output, which must be possible with this window; where it is, the output gets it.
        **kwargs: arguments of `Conv2DTranspose`, under their names of today or of Keras 1.
    """

    @staticmethod
    def made(*args: Any, output_shape: Any = None, **kwargs: Any) -> Any:
        """The layer."""
        if len(args) == 4 and isinstance(args[3], (tuple, list)):
            args, output_shape = args[:3], args[3]
        if len(args) == 3 and output_shape is not None:
            args = (args[0], args[1:])
        if output_shape is None:
            return _by_numbers(*args, **kwargs)
        return DeconvolutionToShape(*args, output_shape=output_shape, **kwargs)
