"""The part of `Model` that hands its state out and takes it in, and computes a loss from values given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from eagerflow.base.errors import did_you_mean, expect_one_of
from eagerflow.core.stateless_scope import StatelessScope
from eagerflow.core.variable import Variable

__all__ = ["get_state_tree", "set_state_tree", "stateless_compute_loss"]

_FORMATS = ("backend_tensor", "numpy_array")


def get_state_tree(  # noqa: D417 # a method of `Model`
    self: Any, value_format: Literal["backend_tensor", "numpy_array"] | str = "backend_tensor"
) -> dict[str, Any]:
    """All variables of the model, its optimizer and its metrics, as dicts nested like their paths.

    Args:
        value_format: `"backend_tensor"` for tensors, `"numpy_array"` for arrays.

    Returns:
        A dict with `trainable_variables`, `non_trainable_variables`, `optimizer_variables` and
        `metrics_variables`.

    Raises:
        ValueError: for another format, or when two variables have one path.

    >>> model = ef.Sequential([ef.Input((2,)), ef.layers.Dense(1, name="dense")], name="model")
    >>> tree = model.get_state_tree()["trainable_variables"]
    >>> tree["model"]["dense"]["kernel"].shape
    (2, 1)
    """
    expect_one_of("get_state_tree", "value_format", value_format, _FORMATS)
    arrays = value_format == "numpy_array"
    return {
        kind: _nested({path: v.numpy() if arrays else v.value for path, v in found.items()})
        for kind, found in _by_path(self).items()
    }


def set_state_tree(  # noqa: D417 # a method of `Model`
    self: Any, state_tree: Mapping[str, Any]
) -> None:
    """Sets variables from what `get_state_tree` returned. Nothing is set when anything doesn't fit.

    Args:
        state_tree: such nested dicts, of tensors or arrays; a part of them sets a part of the variables.

    Raises:
        ValueError: for a kind or path that the model doesn't have, or a value of another shape.

    >>> layers = [ef.Input((2,)), ef.layers.Dense(1, kernel_initializer="zeros", name="out")]
    >>> model = ef.Sequential(layers, name="net")
    >>> state = model.get_state_tree(value_format="numpy_array")
    >>> state["trainable_variables"]["net"]["out"]["kernel"] = np.array([[1.0], [2.0]])
    >>> model.set_state_tree(state)
    >>> model(ef.Tensor([[10.0, 1.0]])).tolist()
    [[12.0]]
    """
    known = _by_path(self)
    pairs = []
    for kind, nested in state_tree.items():
        if kind not in known:
            raise ValueError(
                f"set_state_tree: unknown kind {kind!r}.{did_you_mean(str(kind), known)} There are {', '.join(known)}."
            )
        for path, value in _flat(nested):
            if path not in known[kind]:
                hint = did_you_mean(path, known[kind])
                raise ValueError(f"set_state_tree: {kind} has no {path!r}.{hint}"[:480])
            pairs.append((known[kind][path], value))
    with StatelessScope(pairs):  # refuses other shapes before anything is set
        pass
    for variable, value in pairs:
        variable.assign(value)


def _by_path(model: Any) -> dict[str, dict[str, Variable]]:
    optimizer = getattr(model, "optimizer", None)
    return {
        "trainable_variables": _unique_paths(model.trainable_variables),
        "non_trainable_variables": _unique_paths(model.non_trainable_variables),
        "optimizer_variables": _unique_paths(optimizer.variables if optimizer is not None else []),
        "metrics_variables": _unique_paths(model.metrics_variables),
    }


def stateless_compute_loss(  # noqa: D417 # a method of `Model`
    self: Any,
    trainable_variables: Sequence[Any],
    non_trainable_variables: Sequence[Any],
    metrics_variables: Sequence[Any],
    x: Any = None,
    y: Any = None,
    y_pred: Any = None,
    sample_weight: Any = None,
    training: bool = True,
) -> tuple[Any, tuple[list[Any], list[Any], list[Any]]]:
    """`compute_loss` as if the variables had these values; no variable changes, gradients flow to the values.

    Args:
        trainable_variables: values in the order of `model.trainable_variables`.
        non_trainable_variables: values in the order of `model.non_trainable_variables`.
        metrics_variables: values in the order of `model.metrics_variables`.
        x: inputs.
        y: targets.
        y_pred: predictions.
        sample_weight: weights of the samples, or None.
        training: whether this is training.

    Returns:
        The loss, and a tuple of the values after it: trainable, non-trainable and metrics variables.

    Raises:
        ValueError: when numbers or shapes of the values don't fit.

    >>> model = ef.Sequential([ef.Input((1,)), ef.layers.Dense(1, use_bias=False)])
    >>> model.compile(loss="mse")
    >>> x, y, weights = ef.Tensor([[1.0]]), ef.Tensor([[5.0]]), [ef.Tensor([[2.0]])]
    >>> y_pred, _ = model.stateless_call(weights, [], x)
    >>> metrics = [v.value for v in model.metrics_variables]
    >>> loss, _ = model.stateless_compute_loss(weights, [], metrics, x=x, y=y, y_pred=y_pred)
    >>> float(loss)  # (5 - 2)²
    9.0
    """
    own = (self.trainable_variables, self.non_trainable_variables, self.metrics_variables)
    given = (trainable_variables, non_trainable_variables, metrics_variables)
    for kind, variables, values in zip(("trainable", "non_trainable", "metrics"), own, given):
        if len(variables) != len(values):
            raise ValueError(
                f"stateless_compute_loss({kind}_variables=...): expected {len(variables)} values; got {len(values)}."
            )
    pairs = [pair for variables, values in zip(own, given) for pair in zip(variables, values)]
    with StatelessScope(pairs) as scope:
        loss = self.compute_loss(x, y, y_pred, sample_weight=sample_weight, training=training)
    trained, fixed, measured = ([scope.get_current_value(v) for v in variables] for variables in own)
    return loss, (trained, fixed, measured)


def _unique_paths(variables: Iterable[Variable]) -> dict[str, Variable]:
    found: dict[str, Variable] = {}
    for variable in variables:
        if found.setdefault(variable.path, variable) is not variable:
            raise ValueError(
                f"get_state_tree: two variables have the path {variable.path!r}. Give the layers (or metrics) that "
                "hold them names of their own."
            )
    return found


def _nested(by_path: dict[str, Any]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for path, value in by_path.items():
        *parents, last = path.split("/")
        inner = tree
        for name in parents:
            inner = inner.setdefault(name, {})
        inner[last] = value
    return tree


def _flat(nested: Mapping[str, Any], before: str = "") -> list[tuple[str, Any]]:
    """Paths and values of a nested dict."""
    found = []
    for name, value in nested.items():
        found += _flat(value, f"{before}{name}/") if isinstance(value, Mapping) else [(before + name, value)]
    return found
