"""The tests of nodes that come with the `onnx` package: for each the nodes in it, and whether ours give the same.

    python -m tests.onnx.conformance

prints figures and what differs. Claimed are all kinds of nodes in our table, for the types that tensors have here.
"""

from __future__ import annotations

import re
import tempfile
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from eagerflow.core.tensor import Tensor
from eagerflow.onnx.nodes import NODES
from eagerflow.onnx.reading import read
from eagerflow.onnx.reading.reader import SPECIFIED

# Types that tensors don't have here: floats of 4 and 8 bits, integers of 2 and 4; text; sequences and optional values.
TYPES = re.compile(
    r"FLOAT8|FLOAT4|INT4|INT2|e8m0|_e4m3|_e5m2|float4|u?int4$|u?int2$|_string_|_opt$|_opt_|_seq(uence)?$"
)

EXCEPTIONS = {
    "dropout in training draws random numbers": "test_training_dropout test_training_dropout_default "
    "test_training_dropout_default_mask test_training_dropout_mask",
    "sums of bfloat16 are rounded once here, and after each step there": "test_attention_3d_causal_bf16 "
    "test_attention_3d_causal_bf16_expanded test_attention_4d_causal_bf16 test_attention_4d_causal_bf16_expanded "
    "test_attention_4d_causal_padded_kv_bf16 test_attention_4d_causal_padded_kv_bf16_expanded "
    "test_attention_4d_padded_kv_bf16 test_attention_4d_padded_kv_bf16_expanded",
    "sequences and optional values": "test_loop16_seq_none",
}


# What isn't supported, and refused with the reason, though the kinds of nodes are known.
REFUSED = {
    "operators of before opset 7": "test_not_2d test_not_3d test_not_4d",
    "the places of maxima": "test_maxpool_with_argmax_2d_precomputed_pads "
    "test_maxpool_with_argmax_2d_precomputed_strides",
    "maxima, minima and sums of nothing": "test_reduce_log_sum_exp_empty_set test_reduce_max_empty_set "
    "test_reduce_max_empty_set_bool test_reduce_min_empty_set",
    "recurrent nodes with peepholes": "test_lstm_with_peepholes",
    "resizing of a part": "test_resize_tf_crop_and_resize test_resize_tf_crop_and_resize_extrapolation_value "
    "test_resize_tf_crop_and_resize_axes_2_3 test_resize_tf_crop_and_resize_axes_3_2",
    "resizing that PyTorch and tf2onnx seldom write": "test_resize_downsample_scales_cubic_A_n0p5_exclude_outside "
    "test_resize_downsample_scales_cubic_antialias test_resize_downsample_scales_linear_antialias "
    "test_resize_downsample_scales_linear_half_pixel_symmetric test_resize_downsample_sizes_cubic_antialias "
    "test_resize_downsample_sizes_linear_antialias test_resize_downsample_sizes_nearest_not_larger "
    "test_resize_downsample_sizes_nearest_not_smaller test_resize_upsample_scales_cubic_A_n0p5_exclude_outside "
    "test_resize_upsample_scales_linear_half_pixel_symmetric test_resize_upsample_sizes_nearest_not_larger "
    "test_resize_upsample_sizes_nearest_not_smaller",
    "batch normalization in training": "test_batchnorm_epsilon_training_mode test_batchnorm_example_training_mode",
}


class Outcome(NamedTuple):
    """What became of one test.

    Attributes:
        name: of the test.
        known: whether our table has its nodes.
        claimed: whether our tensors have its types, too.
        error: what differs; "" where nothing does.
    """

    name: str
    known: bool
    claimed: bool
    error: str


def cases() -> list[Any]:
    """All tests of nodes; making them takes seconds."""
    from onnx.backend.test.case.node import collect_testcases

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return [case for case in collect_testcases(None) if case.model is not None]


def kinds(model: Any) -> set[str]:
    """The kinds of nodes in a model."""
    return {f"{node.domain}.{node.op_type}" if node.domain else node.op_type for node in model.graph.node}


def outcome(case: Any, path: Path) -> Outcome:
    """Run one test; `path`: where its model may be written."""
    known = kinds(case.model) <= NODES.keys() | SPECIFIED
    if not known:
        return Outcome(case.name, False, False, "")
    path.write_bytes(case.model.SerializeToString())
    try:
        with np.errstate(all="ignore"):
            for inputs, outputs in case.data_sets:
                with read(path) as program:
                    compare(program, inputs, outputs, case.rtol, max(case.atol, 1e-7))
        error = ""
    except (ValueError, AssertionError) as raised:
        error = f"{type(raised).__name__}: {raised}"
    return Outcome(case.name, True, not TYPES.search(case.name), error)


def compare(program: Any, inputs: Any, outputs: Any, rtol: float, atol: float) -> None:
    """Raise an AssertionError where a program gives something else."""
    given = {port.name: Tensor(array_of(x), None, None) for port, x in zip(program.inputs, inputs)}
    weights = {name: Tensor(weight.held().copy(), None, None) for name, weight in program.weights.items()}
    found = program.values({**weights, **given})
    for ours, theirs in zip(found, outputs):
        one, other = np.asarray(ours.data), array_of(theirs)
        assert (one.dtype, one.shape) == (other.dtype, other.shape)
        if other.dtype.kind == "f" or other.dtype.name == "bfloat16":
            np.testing.assert_allclose(one.astype("float64"), other.astype("float64"), rtol=rtol, atol=atol)
        else:
            np.testing.assert_array_equal(one, other)


def array_of(x: Any) -> Any:
    """An array, also of a message."""
    from onnx import TensorProto, numpy_helper

    return numpy_helper.to_array(x) if isinstance(x, TensorProto) else np.asarray(x)


def main() -> None:
    """Print figures."""
    with tempfile.TemporaryDirectory() as folder:
        found = [outcome(case, Path(folder) / "model.onnx") for case in cases()]
    excused = {name for names in (EXCEPTIONS | REFUSED).values() for name in names.split()}
    claimed = [each for each in found if each.claimed]
    for each in claimed:
        if each.error and each.name not in excused:
            print(f"{each.name}: {each.error[:300]}")
    print(f"{len(found)} tests of nodes")
    for words, tried in (("whose nodes are known", [e for e in found if e.known]), ("of types known, too", claimed)):
        print(f"{words}: {len(tried)}, of which pass: {sum(not each.error for each in tried)}")


if __name__ == "__main__":
    main()
