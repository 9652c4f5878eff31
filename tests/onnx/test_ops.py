"""Every op has an ONNX form, opens into ops that have, or is refused with a reason."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

from eagerflow import layers as L, ops
from eagerflow.core.primitive import registry
from eagerflow.distribution.runtime.communicator import Communicator
from eagerflow.onnx import ExportError, export
from eagerflow.onnx.converters import CONVERTERS, REFUSED
from tests.onnx.test_export import session

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


def ours():
    """The ops of the package, those that are read when they are first asked for included, without other tests' own."""
    importlib.import_module("eagerflow.ops.elementwise.gamma")
    importlib.import_module("eagerflow.distribution.runtime.reduction")
    return {name: op for name, op in registry.items() if op.mathematics.__module__.startswith("eagerflow.")}


def test_every_op_is_expressed_or_refused_with_a_reason():
    expressed = {name for name, op in ours().items() if name in CONVERTERS or op.reference is not None}
    refused = {name for name in REFUSED if not name.startswith("random ")}
    assert expressed | refused == set(ours())
    assert not set(CONVERTERS) & set(REFUSED)
    assert set(CONVERTERS) <= set(ours())
    assert all(REFUSED.values())


@pytest.mark.parametrize("name", sorted(name for name in REFUSED if not name.startswith("random ")))
def test_what_is_refused_says_why(name, tmp_path):
    calls = {
        "solve": lambda x: ops.linalg.solve(x, x),
        "fourier": lambda x: ops.fft((x, x))[0],
        "qr": lambda x: ops.qr(x)[0],
        "cholesky": ops.cholesky,
        "svd": lambda x: ops.svd(x)[1],
        "lu_factor": lambda x: ops.linalg.lu_factor(x)[0],
        "eigh": lambda x: ops.linalg.eigh(x)[0],
        "eig": lambda x: ops.real(ops.linalg.eig(x)[0]),
        "unique": lambda x: registry["unique"].call(x)[0],
        "all_sum_op": lambda x: registry["all_sum_op"].call(x, Communicator(), 1.0),
        "bessel_i": lambda x: registry["bessel_i"].call(x, 0),
        "binned": lambda x: registry["binned"].call(x)[0],
        "reinterpret": lambda x: registry["reinterpret"].call(x, "int32"),
        "roll": lambda x: ops.roll(x, 1),
        "logaddexp": lambda x: ops.logaddexp(x, x),
        "zeta": lambda x: registry["zeta"].call(x, 2.0),
        "arctan2": lambda x: ops.arctan2(x, x),
        "slogdet": lambda x: ops.slogdet(x)[1],
        "sparsemax": ops.sparsemax,
        "scatter_windows": lambda x: ops.nn.fold(ops.nn.unfold(x[None, None], 1), (2, 2), 1),
        "scatter_index": lambda x: ops.scatter([[0], [1]], x, (3, 2)),
        "scatter_extreme": lambda x: ops.scatter_update(x, [[0]], x[:1], "max"),
        "overwrite": lambda x: ops.slice_update(x, [0, 0], x[:1]),
        "written_last": lambda x: registry["written_last"].call(x, (np.array([0, 1]),), (2, 2)),
    }
    call = calls.get(name) or ours()[name].call
    with pytest.raises(ExportError, match=r"op .*no ONNX form \(") as error:
        export(lambda x: ops.reshape(call(x + 3 * ops.eye(2)), (-1,))[0], tmp_path / "m.onnx", [(2, 2)])
    assert len(str(error.value)) <= 500


def attention(masked=False, grouped=False, **options):
    def call(x):
        y = ops.reshape(x, (-1, ops.shape(x)[1], 4, 2))
        mask = ops.expand_dims(ops.sum(y, axis=-1)[:, :, 0] > -1, (1, 2)) if masked else None
        key = y[:, :, ::2] if grouped else y
        return ops.dot_product_attention(y, key, key * 2, mask=mask, **options)

    return call


CASES = {
    "counts": (lambda x: L.CategoryEncoding(4, "count")(ops.cast(ops.clip(x + 2, 0, 3), "int32")), (None, 5)),
    "several": (lambda x: L.CategoryEncoding(4, "multi_hot")(ops.cast(ops.clip(x + 2, 0, 3), "int32")), (None, 5)),
    "crossentropy": (lambda x: ops.binary_crossentropy(ops.sigmoid(x), x, from_logits=True), (None, 5)),
    "of class numbers": (
        lambda x: ops.sparse_categorical_crossentropy(ops.argmax(x, -1), ops.softmax(x) * 1.0),
        (None, 5),
    ),
    "of classes": (lambda x: ops.categorical_crossentropy(ops.softmax(x), x, from_logits=True), (None, 5)),
    "patches": (lambda x: ops.image.extract_patches(x[..., None] * ops.ones((2,)), 2, padding="same"), (None, 8, 8)),
    "capitals": (lambda x: ops.max_pool(x[..., None], 3, 2, padding="VALID"), (None, 8, 8)),
    "unfolded": (lambda x: ops.nn.unfold(x[:, None], 3, padding=1, stride=2), (None, 7, 9)),
    "attention": (attention(), (None, None, 8)),
    "causal attention": (attention(is_causal=True), (None, None, 8)),
    "masked attention": (attention(masked=True, is_causal=True), (None, None, 8)),
    "grouped attention": (attention(grouped=True), (None, None, 8)),
    "capped attention": (attention(attn_logits_soft_cap=2.0), (None, None, 8)),
    "rms": (lambda x: ops.rms_normalization(x), (None, 5)),
    "batch": (lambda x: L.BatchNormalization()(x, training=False) + ops.normalize(x), (None, 5)),
    "bits": (lambda x: ops.bitwise_xor(ops.cast(x * 9 + 50, "int32"), 5), (None, 5)),
    "groups": (lambda x: L.GroupNormalization(2)(x), (None, 5, 4)),
    "mel": (lambda x: ops.log10(ops.absolute(x) + 1) + ops.erf(x) + ops.expm1(x), (None, 5)),
    "integers": (lambda x: ops.cast(x * 9, "int32") // 4 + ops.cast(x * 9, "int32") % 4, (None, 5)),
}


@pytest.mark.parametrize("name", CASES)
def test_ops_agree(name, tmp_path):
    function, shape = CASES[name]
    run = session(export(function, tmp_path / "m.onnx", [shape]))
    rng = np.random.default_rng(0)
    for batch, length in ((1, 6), (4, 3)):
        fixed = [batch if i == 0 and n is None else length if n is None else n for i, n in enumerate(shape)]
        data = rng.normal(size=fixed).astype("float32")
        (found,) = run.run(None, {"input_0": data})
        wanted = np.asarray(function(ops.convert_to_tensor(data)))
        assert found.dtype == wanted.dtype
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)
