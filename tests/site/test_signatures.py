"""Signatures on pages of the reference: what stands in them, and where the names in them lead."""

from __future__ import annotations

import inspect
from typing import Any, overload

import pytest

import eagerflow as ef
import viz
from tools.site import named_types, reference, signatures
from tools.site.names import catalogue


def test_signatures_show_types_and_leave_out_defaults_that_can_not_be_read():
    def function(x: int, by: str = "\\" * 3, *, f=len, name: str | None = None) -> float: ...

    assert signatures.signature(function) == "(x: int, by: str = ..., *, f=len, name: str | None = None) -> float"


def test_a_class_is_called_as_type_checkers_are_told():
    assert signatures.signature(ef.Model).startswith("(inputs: Ends | None = None, outputs: Ends | None = None, name: ")
    assert signatures.signature(ef.Loss).startswith("(name: str | None = None, reduction: ")
    assert signatures.signature(ef.layers.Dense).startswith("(units: ")
    assert signatures.signature(viz.TraceFileError) == ""


def test_each_overload_has_a_line_of_its_own_with_the_defaults_of_the_function():
    less, more = signatures.lines(ef.ops.linspace)
    assert less.endswith("retstep: Literal[False] = False, dtype: DType = None, axis: int = 0) -> Tensor")
    assert more.endswith("*, retstep: Literal[True], dtype: DType = None, axis: int = 0) -> tuple[Tensor, Tensor]")
    named, wrapped = signatures.lines(viz.trace)
    assert wrapped == "(name: Callable[P, R], /) -> Callable[P, R]"
    assert named.startswith("(name: str | None = None, *, ")
    (only,) = signatures.lines(ef.utils.image_dataset_from_directory)  # its overloads hide most of what it takes
    assert "color_mode: ColorMode" in only


def test_overloads_stand_behind_one_signature_that_covers_them():
    text = reference._called("method", "GradientTape.gradient", ef.GradientTape.gradient, bound=True)
    first, opened, *each, closed = text.split("\n\n")
    assert "sources: Tensor | list[Tensor] | tuple[Tensor, ...] | dict[K, Tensor]" in first
    assert ") -> Tensor | list[Gradient] | " in first
    assert "<details" in opened
    assert "</details>" in closed
    assert len(each) == len(signatures.lines(ef.GradientTape.gradient, bound=True)) > 3
    assert all(":no-index:" in one for one in each)


def test_what_covers_overloads_gives_no_less_than_they_do():
    assert signatures.summary(ef.ops.where).endswith(") -> tuple[Tensor, ...] | Tensor")
    assert signatures.summary(ef.grad).endswith(") -> Callable[..., Any]")  # all kinds of functions, which are many

    @overload
    def both(x: int) -> int: ...
    @overload
    def both(x: Any) -> Any: ...
    def both(x: Any) -> Any: ...

    assert signatures.summary(both) == "(x: int | Any) -> int | Any"  # nothing else says what the second may give


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (ef.layers.LSTM, "return_state: bool = False"),
        (ef.layers.Bidirectional, "merge_mode: MergeModes | None | "),
        (ef.losses.get, "(identifier: LossLike)"),
        (
            ef.applications.resnet.preprocess_input,
            "data_format: Literal['channels_last', 'channels_first'] | str | None",
        ),
        (ef.ops.cond, "true_fn: Callable[[], Result]"),
    ],
)
def test_types_are_spelled_out_for_readers(value, shown):
    (text,) = signatures.lines(value)
    assert shown in text


@pytest.mark.slow  # the signatures of all names
def test_no_signature_shows_private_names_or_the_type_of_none():
    values = [one.value for one in catalogue()]
    values += [
        inspect.unwrap(f)
        for one in values
        if isinstance(one, type)
        for f in vars(one).values()
        if inspect.isfunction(f)
    ]
    texts = [line for value in values for line in signatures.lines(value)]
    names = {name for text in texts for name in named_types.names_in(text)}
    assert len(names) > 100
    assert [name for name in names if name.startswith("_") or "NoneType" in name] == []


@pytest.mark.parametrize(
    ("page", "name", "target"),
    [
        ("layers/Dense", "ActivationLike", "types#eagerflow.base.typing.ActivationLike"),
        ("eagerflow/Model", "AnyLayer", "types#eagerflow.layer.layer.AnyLayer"),
        ("layers/Dot", "LayerOptions", "types#eagerflow.layer.layer_options.LayerOptions"),
        ("ops/add", "TensorLike", "types#eagerflow.base.typing.TensorLike"),
        ("ops/add", "Tensor", "eagerflow/Tensor"),
        ("eagerflow/Model", "History", "callbacks/History"),
        ("datasets.cifar10/load_data", "Part", "types#eagerflow.datasets.cifar.Part"),
        ("viz/explain", "Explanation", "viz/Explanation"),
        ("losses/get", "LossLike", "types#eagerflow.base.typing.LossLike"),
        ("ops/cond", "Result", "types#type-variables"),
    ],
)
def test_types_in_signatures_lead_to_what_the_file_means_by_them(page, name, target):
    assert named_types.target_of(f"reference/{page}", name) == f"reference/{target}"


@pytest.mark.parametrize("name", ["Any", "Callable", "Sequence", "Iterator", "numpy.ndarray"])
def test_types_of_python_lead_nowhere(name):
    assert [page for (page, text) in named_types.links() if text == name] == []
