"""`MelSpectrogram` and `STFTSpectrogram`: audio as pictures of its frequencies over time."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any, Literal, Unpack

import numpy

from eagerflow import initializers, ops
from eagerflow.base.config import epsilon
from eagerflow.base.typing import DataFormat, Padding, Shape, TensorLike
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.layer.input_spec import InputSpec
from eagerflow.layer.layer import Layer
from eagerflow.layer.layer_options import LayerOptions
from eagerflow.layer.settings import integer, layout, one_of

__all__ = ["MelSpectrogram", "STFTSpectrogram"]


class MelSpectrogram(Layer):
    """Computes mel spectrograms of audio: the power in mel-spaced frequency bands over time, in decibels.

    Args:
        fft_length: the number of samples in each Fourier transform.
        sequence_stride: the number of samples from the beginning of one transform to that of the next.
        sequence_length: the length of the window in samples; default: `fft_length`.
        window: `"hann"`, `"hamming"`, an array of a window's samples, or None for no window.
        sampling_rate: samples per second.
        num_mel_bins: the number of frequency bands.
        min_freq: the lower end of the lowest band, in hertz.
        max_freq: the upper end of the highest band, in hertz; default: half of the sampling rate.
        power_to_db: whether the output is in decibels.
        top_db: values that are more decibels than this below the largest one are raised to that limit.
        mag_exp: the exponent of the magnitudes: 2 for power, 1 for amplitude.
        min_power: smaller values are raised to this one before they are converted to decibels.
        ref_power: the value that corresponds to 0 decibels.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Input: (samples,) or (batch, samples). Output: (num_mel_bins, time) or (batch, num_mel_bins, time).

    Raises:
        ValueError: for a window longer than `fft_length`.

    Source: `keras.layers.MelSpectrogram` 3.15.

    >>> sound = np.sin(2 * np.pi * 1000 * np.arange(1600) / 16000)  # a tone of 1000 Hz
    >>> layer = ef.layers.MelSpectrogram(fft_length=256, sequence_stride=64, num_mel_bins=8, sampling_rate=16000)
    >>> bands = layer(sound[None])
    >>> bands.shape, int(bands[0].mean(axis=-1).argmax())  # (batch, bands, times); the tone is in the third band
    ((1, 8, 26), 2)
    """

    def __init__(
        self,
        fft_length: int = 2048,
        sequence_stride: int = 512,
        sequence_length: int | None = None,
        window: Any = "hann",
        sampling_rate: float = 16000,
        num_mel_bins: int = 128,
        min_freq: float = 20.0,
        max_freq: float | None = None,
        power_to_db: bool = True,
        top_db: float = 80.0,
        mag_exp: float = 2.0,
        min_power: float = 1e-10,
        ref_power: float = 1.0,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        self.fft_length = integer(self, "fft_length", fft_length)
        self.sequence_stride = integer(self, "sequence_stride", sequence_stride)
        self.sequence_length = integer(self, "sequence_length", sequence_length or fft_length)
        if self.fft_length < self.sequence_length:
            raise ValueError(
                f"MelSpectrogram(fft_length={fft_length}, sequence_length={sequence_length}): expected a window that "
                "is not longer than fft_length."
            )
        self.window = window
        self.sampling_rate = sampling_rate
        self.num_mel_bins = integer(self, "num_mel_bins", num_mel_bins)
        self.min_freq = min_freq
        self.max_freq = max_freq or int(sampling_rate / 2)
        self.power_to_db = power_to_db
        self.top_db = top_db
        self.mag_exp = mag_exp
        self.min_power = min_power
        self.ref_power = ref_power

    if TYPE_CHECKING:

        def __call__(self, inputs: TensorLike, *, training: bool | None = None) -> Tensor: ...

    def call(self, inputs: Tensor) -> Tensor:
        """The mel spectrogram."""
        narrow = self.compute_dtype not in ("float32", "float64")
        signal = convert_to_tensor(inputs, "float32" if narrow else self.compute_dtype)
        real, imaginary = ops.stft(
            signal, self.sequence_length, self.sequence_stride, self.fft_length, self.window, center=True
        )
        power = ops.power(ops.sqrt(real * real + imaginary * imaginary), self.mag_exp)
        bands = mel_weights(self.num_mel_bins, power.shape[-1], self.sampling_rate, self.min_freq, self.max_freq)
        strengths = ops.swapaxes(power @ convert_to_tensor(bands, signal.dtype), -1, -2)
        return (self._decibels(strengths) if self.power_to_db else strengths).astype(self.compute_dtype)

    def _decibels(self, power: Tensor) -> Tensor:
        reference = 10 * math.log10(max(abs(self.ref_power), self.min_power))
        levels = 10.0 * ops.log10(ops.maximum(power, self.min_power)) - reference
        return ops.maximum(levels, ops.max(levels) - self.top_db)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """([batch], num_mel_bins, time)."""
        *batch, samples = input_shape
        stride = self.sequence_stride
        return (*batch, self.num_mel_bins, None if samples is None else (samples + stride + 1) // stride)


def mel_weights(bands: int, frequencies: int, sampling_rate: float, low: float, high: float) -> numpy.ndarray:
    """How much each of `frequencies` (from 0 to half of the sampling rate) belongs to each band.

    Bands are triangles on the mel scale, each reaching from the middle of the one before to that of the next.
    """
    hertz = numpy.linspace(0.0, sampling_rate / 2, frequencies)
    mels = _mel(hertz)[1:, None]  # the constant part belongs to no band
    edges = numpy.linspace(_mel(low), _mel(high), bands + 2)
    lower, middle, upper = edges[:-2], edges[1:-1], edges[2:]
    rising, falling = (mels - lower) / (middle - lower), (upper - mels) / (upper - middle)
    weights = numpy.minimum(rising, falling).clip(0, None)
    return numpy.pad(weights, ((1, 0), (0, 0)))


def _mel(hertz: Any) -> Any:
    return 1127.0 * numpy.log1p(numpy.asarray(hertz) / 700.0)


class STFTSpectrogram(Layer):
    """Computes spectrograms of audio by short-time Fourier transforms, as convolutions whose kernels can be trained.

    Args:
        mode: what comes out: `"log"` (of the magnitude), `"magnitude"`, `"psd"` (power spectral density), `"real"`,
            `"imag"`, `"angle"`, or `"stft"` (the real parts, then the imaginary parts).
        frame_length: the number of samples in a frame.
        frame_step: the number of samples from one frame to the next; default: half of `frame_length`.
        fft_length: the length that frames are padded to; default: the next power of two.
        window: a window's name or an array of its samples, or None for no window.
        periodic: whether to use the periodic form of the window instead of the symmetric one.
        scaling: `"density"` or `"spectrum"`, to divide by the window's L2 or L1 norm, or None.
        padding: `"valid"` or `"same"`.
        expand_dims: whether frequencies get their own axis; otherwise they are joined with the channels.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Input: (batch, samples, channels), or channels first.

    Raises:
        ValueError: for invalid settings.

    Source: `keras.layers.STFTSpectrogram` 3.15.

    >>> sound = np.sin(2 * np.pi * 8 * np.arange(256) / 64).reshape(1, 256, 1)  # 8 swings in 64 samples
    >>> spectrum = ef.layers.STFTSpectrogram(frame_length=64)(sound)
    >>> spectrum.shape, int(spectrum[0].mean(axis=0).argmax())  # (batch, times, frequencies)
    ((1, 7, 33), 8)
    """

    def __init__(
        self,
        mode: Literal["log", "magnitude", "psd", "real", "imag", "angle", "stft"] | str = "log",
        frame_length: int = 256,
        frame_step: int | None = None,
        fft_length: int | None = None,
        window: Any = "hann",
        periodic: bool = False,
        scaling: Literal["density", "spectrum"] | str | None = "density",
        padding: Padding = "valid",
        expand_dims: bool = False,
        data_format: DataFormat | None = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        modes = ("log", "magnitude", "psd", "real", "imag", "angle", "stft")
        self.mode = one_of(self, "mode", mode, modes)
        self.frame_length = integer(self, "frame_length", frame_length)
        self.frame_step = frame_step
        self.fft_length = fft_length
        self._check_lengths()
        initializers.STFT("real", window)  # which refuses unknown ones
        self.window = window
        self.periodic = periodic
        self.scaling = None if scaling is None else one_of(self, "scaling", scaling, ("density", "spectrum"))
        self.padding = one_of(self, "padding", padding, ("valid", "same"))
        self.expand_dims = expand_dims
        self.data_format = layout(self, data_format)
        self.input_spec = InputSpec(ndim=3)

    def _check_lengths(self) -> None:
        step, fft, length = self.frame_step, self.fft_length, self.frame_length
        if step is not None and not 1 <= step <= length:
            raise ValueError(f"STFTSpectrogram(frame_step={step}): expected 1 to frame_length={length}.")
        if fft is not None and fft < length:
            raise ValueError(f"STFTSpectrogram(fft_length={fft}): expected at least frame_length={length}.")
        if fft is not None and fft & (fft - 1):
            warnings.warn(f"STFTSpectrogram(fft_length={fft}): a power of two is recommended.", stacklevel=3)

    @property
    def _step(self) -> int:
        return self.frame_step or self.frame_length // 2

    @property
    def _frequencies(self) -> int:
        return (self.fft_length or 2 ** math.ceil(math.log2(self.frame_length))) // 2 + 1

    def build(self, input_shape: Shape) -> None:
        """Creates the kernels: cosine and sine waves times the window."""
        for part in ("real", "imag"):
            if self.mode not in {"real": ("imag",), "imag": ("real",)}[part]:
                kernel = self.add_weight(
                    name=f"{part}_kernel",
                    shape=(self.frame_length, 1, self._frequencies),
                    initializer=initializers.STFT(part, self.window, self.scaling, self.periodic),
                )
                setattr(self, f"{part}_kernel", kernel)

    if TYPE_CHECKING:

        def __call__(self, inputs: TensorLike, *, training: bool | None = None) -> Tensor: ...

    def call(self, inputs: Tensor) -> Tensor:
        """The spectrogram."""
        first = self.data_format == "channels_first"
        signals = inputs if first else ops.swapaxes(inputs, 1, 2)
        if self.mode in ("real", "imag"):
            return self._arranged(self._transformed(signals, self.mode))
        real, imaginary = self._transformed(signals, "real"), self._transformed(signals, "imag")
        if self.mode == "angle":
            return self._arranged(ops.arctan2(imaginary, real))
        if self.mode == "stft":
            return self._arranged(ops.concatenate([real, imaginary], axis=-1))
        return self._arranged(self._strength(ops.square(real) + ops.square(imaginary)))

    def _transformed(self, signals: Tensor, part: str) -> Tensor:
        """(batch, channels, samples) to (batch, channels, time, frequencies)."""
        batch, channels, samples = signals.shape
        frames = ops.conv(
            ops.reshape(signals, (batch * channels, samples, 1)),
            getattr(self, f"{part}_kernel"),
            strides=self._step,
            padding=self.padding,
            data_format="channels_last",
        )
        return ops.reshape(frames, (batch, channels, *frames.shape[1:]))

    def _strength(self, power: Tensor) -> Tensor:
        if self.mode == "psd":  # frequencies between the first and the last stand for their negatives too
            inner = ops.pad(power[..., 1:-1], [(0, 0), (0, 0), (0, 0), (1, 1)])
            return power + inner
        magnitude = ops.sqrt(ops.maximum(power, epsilon()))
        return magnitude if self.mode == "magnitude" else ops.log(ops.maximum(magnitude, epsilon()))

    def _arranged(self, spectrum: Tensor) -> Tensor:
        """(batch, channels, time, frequencies) as the settings want it."""
        first = self.data_format == "channels_first"
        if self.expand_dims:
            return spectrum if first else ops.transpose(spectrum, (0, 2, 3, 1))
        batch, channels, time, frequencies = spectrum.shape
        flat = ops.reshape(ops.transpose(spectrum, (0, 1, 3, 2)), (batch, channels * frequencies, time))
        return flat if first else ops.swapaxes(flat, 1, 2)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The shape of the spectrogram: (batch, time, frequencies and channels), as the settings say."""
        first = self.data_format == "channels_first"
        batch, *rest = input_shape
        channels, samples = rest if first else rest[::-1]
        time = None if samples is None else self._frames(samples)
        frequencies = self._frequencies * (2 if self.mode == "stft" else 1)
        if self.expand_dims:
            return (batch, channels, time, frequencies) if first else (batch, time, frequencies, channels)
        side_by_side = None if channels is None else channels * frequencies
        return (batch, side_by_side, time) if first else (batch, time, side_by_side)

    def _frames(self, samples: int) -> int:
        if self.padding == "same":
            return -(-samples // self._step)
        return (samples - self.frame_length) // self._step + 1
