"""Windows of signal processing by name, `n` samples each, symmetric."""

from __future__ import annotations

from collections.abc import Callable

import numpy

__all__ = ["WINDOWS"]

Window = Callable[[int], numpy.ndarray]


def _cosines(*weights: float) -> Window:
    """A sum of cosines, from -pi to pi."""

    def window(n: int) -> numpy.ndarray:
        angles = numpy.linspace(-numpy.pi, numpy.pi, n) if n > 1 else numpy.zeros(n)
        found: numpy.ndarray = sum(w * numpy.cos(k * angles) for k, w in enumerate(weights))  # type: ignore[assignment]
        return found

    return window


def _barthann(n: int) -> numpy.ndarray:
    place = abs(numpy.arange(n) / max(n - 1, 1) - 0.5)
    return 0.62 - 0.48 * place + 0.38 * numpy.cos(2 * numpy.pi * place) if n > 1 else numpy.ones(n)


def _bohman(n: int) -> numpy.ndarray:
    place = abs(numpy.linspace(-1, 1, n)[1:-1])
    inner = (1 - place) * numpy.cos(numpy.pi * place) + numpy.sin(numpy.pi * place) / numpy.pi
    return numpy.concatenate([[0.0], inner, [0.0]]) if n > 1 else numpy.ones(n)


def _cosine(n: int) -> numpy.ndarray:
    return numpy.sin(numpy.pi / n * (numpy.arange(n) + 0.5))


def _lanczos(n: int) -> numpy.ndarray:
    return numpy.sinc(2 * numpy.arange(n) / (n - 1) - 1) if n > 1 else numpy.ones(n)


def _parzen(n: int) -> numpy.ndarray:
    far = abs(numpy.arange(n) - (n - 1) / 2)
    part = far / (n / 2)
    return numpy.where(far <= (n - 1) / 4, 1 - 6 * part**2 + 6 * part**3, 2 * (1 - part) ** 3)


def _triang(n: int) -> numpy.ndarray:
    return 1 - abs(2 * numpy.arange(n) - n + 1) / (n if n % 2 == 0 else n + 1)


def _tukey(n: int) -> numpy.ndarray:
    """Half of it flat."""
    place = abs(numpy.linspace(-1, 1, n)) if n > 1 else numpy.zeros(n)
    return numpy.where(place < 0.5, 1.0, 0.5 * (1 + numpy.cos(numpy.pi * (2 * place - 1))))


# The names and numbers of `scipy.signal.windows`.
WINDOWS: dict[str, Window] = {
    "barthann": _barthann,
    "bartlett": numpy.bartlett,
    "blackman": numpy.blackman,
    "blackmanharris": _cosines(0.35875, 0.48829, 0.14128, 0.01168),
    "bohman": _bohman,
    "boxcar": numpy.ones,
    "cosine": _cosine,
    "flattop": _cosines(0.21557895, 0.41663158, 0.277263158, 0.083578947, 0.006947368),
    "hamming": numpy.hamming,
    "hann": numpy.hanning,
    "lanczos": _lanczos,
    "nuttall": _cosines(0.3635819, 0.4891775, 0.1365995, 0.0106411),
    "parzen": _parzen,
    "rectangular": numpy.ones,
    "triang": _triang,
    "tukey": _tukey,
}
