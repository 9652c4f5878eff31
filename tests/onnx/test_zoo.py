"""Architectures of the zoo as files: six small ones here, all of them in `make interop`."""

from __future__ import annotations

import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

SIX = ["DenseNet121", "EfficientNetB0", "MobileNet", "MobileNetV2", "NASNetMobile", "ResNet50V2"]


@pytest.mark.slow
@pytest.mark.parametrize("name", SIX)
def test_an_architecture_agrees_and_turns_images_twice_at_most(name, tmp_path):
    from tools import interop_onnx

    assert float(interop_onnx.small(name, tmp_path / "m.onnx").split(",")[0]) <= interop_onnx.TOLERANCE
