"""The words of Keras' errors, put before ours: programs and people look for them."""

from __future__ import annotations

__all__ = ["add_words_of_keras"]

# What Keras writes where an error of ours says this.
_WORDS = {
    "expected 3 axes (one image) or 4": "Invalid images rank: expected rank 3 (single image) or rank 4 (batch).",
    "expected floats from 0 to 1": "Invalid images dtype: expected float dtype.",
    "expected 1 or 3 channels": "Invalid channel size: expected 3 (RGB) or 1 (Grayscale).",
    "transform: expected shape (8,)": "Invalid transform rank: expected rank 1 or rank 2 (batch).",
    "start_points and end_points: expected shape": "Invalid start_points shape: expected (4,2) or (N,4,2) (batch).",
    "map_coordinates: coordinates: expected": (
        "Invalid coordinates rank: expected at least rank 2. First dim of `coordinates` must be the same as the rank "
        "of `inputs`."
    ),
    "target and output need the same shape": "Arguments `target` and `output` must have the same shape.",
    "associative_scan: elems: expected": "Array inputs to associative_scan must have the same first dimension.",
    "f: expected a function": "`f` should be a callable.",
    "expected a positive integer or a bool": "`unroll` must be an positive integer or boolean.",
    "expected xs, or length": "Got no `xs` to scan over and no `length`.",
    "expected 'reduced' or 'complete'": "Expected one of {'reduced', 'complete'}.",
    "must not be below sequence_length": "`fft_length` must equal or greater than `sequence_length`.",
    "window must have shape": "The shape of `window` must be equal to [sequence_length].",
    "stft: expected floats": "Invalid input type. Expected `float32` or `float64`.",
    "expected 'hann', 'hamming'": 'If a string is passed to `window`, it must be one of `"hann"`, `"hamming"`.',
    "expected 'greedy' or 'beam_search'": "Invalid strategy. Supported values are 'greedy' and 'beam_search'.",
}


def add_words_of_keras(error: Exception) -> None:
    """Put what Keras writes for an error before its own text."""
    text = str(error)
    for ours, keras in _WORDS.items():
        if ours in text and error.args and error.args[0] == text:
            error.args = (f"{keras} {text}",)
            return
