"""Which kernels compute which ops, and when: each file here registers those of a subject, `gpu` those for a GPU.

A file is read when one of its ops is first called, so `import eagerflow` reads none of them, nor the kernels. That for
a GPU is read when CuPy is first asked for.
"""

from importlib import import_module as _import_module
from types import ModuleType as _ModuleType

from eagerflow.base.variants import provide as _provide
from eagerflow.compiled.choice import find as _find
from eagerflow.core.device import kernels_take as _kernels_take, namespaces as _namespaces
from eagerflow.core.links import above as _above
from eagerflow.core.lowering import waiting as _waiting

__all__: list[str] = []

_OPS = {
    "activations": "elu gelu_exact gelu_tanh leaky_relu masked_scale relu sigmoid silu softplus",
    "attention": "dot_product_attention",
    "convolution": "conv conv_bias conv_transpose conv_transpose_bias depthwise_conv",
    "dense": "dense",
    "elementwise": "add cos divide exp expm1 log log10 log1p log2 multiply sin sqrt square subtract tanh",
    "indexing": "gather scatter_index",
    "matrices": "matmul",
    "normalization": "batch_normalization group_norm layer_norm normalize_batch rms_norm",
    "reduce": "cumsum max mean min sum top_k",
    "softmax": "log_softmax sigmoid_crossentropy softmax softmax_crossentropy sparse_softmax_crossentropy",
    "pooling": "average_pool max_pool",
    "recurrent": "gru gru_pair lstm lstm_pair",
}
for _file, _names in _OPS.items():
    _waiting.update(dict.fromkeys(_names.split(), f"eagerflow.lowerings.{_file}"))
_provide(_find)


def _load_gpu_kernels(cupy: _ModuleType) -> None:
    if not hasattr(cupy, "RawModule"):  # what only looks like CuPy has the ops' mathematics
        _kernels_take["gpu"] = None
        return
    _kernels_take["gpu"] = cupy
    for file in ("gpu", "gpu_convolution", "gpu_normalization", "gpu_recurrent"):
        _import_module(f"eagerflow.lowerings.{file}")


_above.load_gpu_kernels = _load_gpu_kernels
if len(_namespaces) > 1:
    _load_gpu_kernels(list(_namespaces.values())[-1])
