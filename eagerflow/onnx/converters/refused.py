"""Ops without an ONNX form, each with the reason that its error gives."""

from __future__ import annotations

__all__ = ["REFUSED"]

_COMPLEX = "ONNX' operators take no complex numbers"
_FACTORS = "ONNX has no decompositions of matrices"
_LENGTHS = "the length of its result depends on values, and shapes in the file follow from shapes alone"
_GAMMA = ["lgamma", "digamma", "polygamma", "zeta"]
_DRAWS = (
    "random numbers aren't exported, as each runtime draws others. Export the part of the model that draws none, or "
    "give the draw an integer as its seed, which makes it a constant"
)
_KINDS = "normal uniform integers bernoulli permutation categorical gamma beta binomial".split()
_WRITES = (
    "writing at places (scatter, slice_update, segment_sum) isn't exported; use ops.where, ops.concatenate or one_hot"
)
_BACKWARD = "it belongs to gradients, and a file has none"

REFUSED: dict[str, str] = {
    **dict.fromkeys(["real", "imag", "conj", "fourier"], _COMPLEX),
    **dict.fromkeys(["cholesky", "eigh", "eig", "qr", "svd", "pinv", "lu_factor", "solve"], _FACTORS),
    **dict.fromkeys(["nonzero", "unique"], _LENGTHS),
    **dict.fromkeys(["written_last"], _BACKWARD),
    **dict.fromkeys([f"random {kind}" for kind in [*_KINDS, "truncated normal"]], _DRAWS),
    **dict.fromkeys(["scatter_index", "scatter_extreme", "overwrite"], _WRITES),
    "scatter_windows": "ONNX adds up windows that overlap only in a transposed convolution",
    **dict.fromkeys(["erfinv", "bessel_i", "arctan2", "sparsemax", *_GAMMA], "ONNX has no such function"),
    **dict.fromkeys(["cbrt", "logaddexp", "roll", "trunc"], "it isn't written in ONNX' operators here"),
    "slogdet": "determinants aren't written",
    "reinterpret": "ONNX can't read the bits of one type as another",
    "binned": "ONNX has no histogram",
    "all_sum_op": "it sums over ranks, and a file runs on one machine",
}
