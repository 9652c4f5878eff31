"""Keras' `backend.math`: signal, segment and special functions of `eagerflow.ops`."""

from typing import Any

from eagerflow import ops
from eagerflow.keras_backend.backend.adapting import adapted, tensor_of

globals().update(
    adapted(
        ops,
        """
        cdist erf erfc erfinv extract_sequences fft fft2 histogram ifft2 in_top_k irfft istft logdet logsumexp norm qr
        rfft rsqrt segment_max segment_min segment_prod segment_sum solve stft top_k
        """.split(),
    )
)


def _get_complex_tensor_from_tuple(x: Any) -> Any:
    """The complex tensor of real and imaginary parts. Keras asks for it by this name."""
    real, imaginary = tensor_of(x)
    return ops.view_as_complex(ops.stack([real, imaginary], axis=-1))
