"""`Input`: the beginning of a functional model."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from numbers import Integral
from typing import TYPE_CHECKING, Any, SupportsIndex, overload

from eagerflow.base.errors import signature_of
from eagerflow.base.tracebacks import boundary
from eagerflow.base.typing import DType, TensorLike
from eagerflow.core.dtypes import standardize_dtype
from eagerflow.core.tensor import Tensor
from eagerflow.layer.layer import Layer
from eagerflow.layer.symbolic.tensors import Node, Spec, SymbolicTensor

__all__ = ["Input", "InputLayer"]


class InputLayer(Layer):
    """The layer behind `Input`: an entry of a model, through which data are passed.

    Args:
        shape: the shape without the batch axis; None for unknown lengths.
        batch_size: the length of the batch axis, when it is fixed.
        dtype: a type name; default: `floatx()`.
        sparse: accepted for compatibility with Keras; only False is possible.
        ragged: accepted for compatibility with Keras; only False is possible.
        batch_shape: the shape with the batch axis, instead of `shape` and `batch_size`.
        input_tensor: a symbolic tensor whose shape and type are used.
        optional: whether None may be given in place of data.
        name: the input's name.
        **kwargs: `input_shape` and `batch_input_shape`, the older names of `shape` and `batch_shape`.

    Raises:
        ValueError: without a shape.

    >>> layer = ef.layers.InputLayer((3,), name="x")
    >>> model = ef.Sequential([layer, ef.layers.Dense(2)])
    >>> layer.output.shape, model.output_shape
    ((None, 3), (None, 2))
    >>> model(ef.ops.ones((4, 3))).shape
    (4, 2)
    """

    def __init__(
        self,
        shape: Any = None,
        batch_size: int | None = None,
        dtype: DType = None,
        sparse: bool | None = None,
        ragged: bool | None = None,
        batch_shape: Any = None,
        input_tensor: Any = None,
        optional: bool = False,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        if sparse or ragged:
            raise ValueError("Input(sparse=True / ragged=True): there are no sparse or ragged tensors here.")
        if input_tensor is not None:
            _check_agreement(input_tensor, shape, batch_size, batch_shape, dtype)
            shape = batch_size = None
            batch_shape, dtype = input_tensor.shape, dtype or input_tensor.dtype
        _refuse_number(shape, batch_size, dtype)
        batch_shape = kwargs.pop("batch_input_shape", batch_shape)
        given = {"input_shape": shape, "batch_size": batch_size, "batch_shape": batch_shape}
        if batch_shape is not None and (shape is not None or batch_size is not None):
            raise ValueError("Input: give either shape (and batch_size) or batch_shape, not both.")
        super().__init__(name=name, **kwargs, **{name: value for name, value in given.items() if value is not None})
        if self._ef_state.batch_input_shape is None:
            raise ValueError("Input(shape=...) is needed: the shape of one example, such as (28, 28, 1).")
        self.batch_shape = self._ef_state.batch_input_shape
        self._data_type = standardize_dtype(dtype)
        self.optional = optional
        self.supports_masking = True
        self.built = True
        if input_tensor is not None and input_tensor.node is None:
            input_tensor.node = self._node(0, "output")  # it is this layer's output from now on

    @property
    def dtype(self) -> str:
        """The name of the type that data are cast to."""
        return self._data_type

    if TYPE_CHECKING:

        def __call__(self, inputs: TensorLike = None, *, training: bool | None = None) -> Tensor | Any: ...

    def call(self, inputs: Any = None) -> Any:
        """Returns the data unchanged."""
        return inputs

    def _node(self, index: int, asked: str) -> Node:
        """Its one node; made again when nobody held it any more."""
        if not self.inbound_nodes:
            node = Node(self, (), {})
            node.outputs = Spec(self.batch_shape, self._data_type)
            return node
        return self.inbound_nodes[0]

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer."""
        config = {"batch_shape": self.batch_shape, "dtype": self._data_type, "sparse": False, "ragged": False}
        return config | {"name": self.name, "optional": self.optional}


def _check_agreement(tensor: Any, shape: Any, batch_size: Any, batch_shape: Any, dtype: DType) -> None:
    """Raise ValueError if the other arguments contradict the tensor."""
    if not isinstance(tensor, SymbolicTensor):
        raise ValueError(
            f"InputLayer(input_tensor=...): expected a symbolic tensor; got {signature_of(tensor)}. Pass data to the "
            "model."
        )
    batch = tensor.shape[0] if tensor.shape else None
    for name, told, has in (
        ("shape", shape and tuple(shape), tensor.shape[1:]),
        ("batch_size", batch_size, batch),
        ("batch_shape", batch_shape and tuple(batch_shape), tensor.shape),
        ("dtype", dtype and standardize_dtype(dtype), standardize_dtype(tensor.dtype)),
    ):
        if told is not None and told != has:
            raise ValueError(f"InputLayer({name}={told!r}): the input_tensor has {has!r}; leave {name} out.")


def _refuse_number(shape: Any, batch_size: Any, dtype: DType) -> None:
    """Raise ValueError for a shape that isn't a tuple: `Input(28, 28)` would have 28 numbers, in batches of 28."""
    if not isinstance(shape, Integral):
        return
    lengths = [shape, *takewhile(lambda n: isinstance(n, Integral), (batch_size, dtype))]
    given, whole = ", ".join(map(str, lengths)), f"({shape},)"
    cure = f"Input({whole})"
    if len(lengths) > 1:
        cure = f"Input(({given})), or Input({whole}, batch_size={batch_size}) for rows of one length"
    raise ValueError(f"Input({given}): the shape of one example is a tuple, without the batch axis: {cure}.")


@overload
def Input(
    shape: Sequence[SupportsIndex | None] | None,
    batch_size: int | None = None,
    dtype: DType = None,
    sparse: bool | None = None,
    ragged: bool | None = None,
    batch_shape: Any = None,
    name: str | None = None,
    tensor: Any = None,
    optional: bool = False,
) -> Tensor: ...
@overload
def Input(
    *,
    dtype: DType = None,
    sparse: bool | None = None,
    ragged: bool | None = None,
    batch_shape: Any,
    name: str | None = None,
    optional: bool = False,
) -> Tensor: ...
@overload
def Input(*, tensor: Any, name: str | None = None) -> Tensor: ...
@boundary
def Input(
    shape: Any = None,
    batch_size: int | None = None,
    dtype: DType = None,
    sparse: bool | None = None,
    ragged: bool | None = None,
    batch_shape: Any = None,
    name: str | None = None,
    tensor: Any = None,
    optional: bool = False,
) -> Tensor:  # to type checkers what layers and ops give, too: `x = layer(x)` in a loop is no error
    """A symbolic tensor that stands for data. Call layers and ops on it, then make `Model(inputs, outputs)`.

    Args:
        shape: the shape of one example, without the batch axis; None for unknown lengths.
        batch_size: the length of the batch axis, when it is fixed.
        dtype: a type name; default: `floatx()`. Data are converted to it.
        sparse: accepted for compatibility with Keras; only False is possible.
        ragged: accepted for compatibility with Keras; only False is possible.
        batch_shape: the shape with the batch axis, instead of `shape` and `batch_size`.
        name: the name, which is also the key where data come as a dict.
        tensor: a symbolic tensor to return instead of making one.
        optional: whether None may be given in place of data.

    Raises:
        ValueError: without a shape, or for one that isn't a shape.
        TypeError: when `tensor` holds values.

    >>> x = ef.Input((4,), name="x")
    >>> x.shape
    (None, 4)
    """
    if tensor is not None:
        if not isinstance(tensor, SymbolicTensor):
            raise TypeError(
                f"Input(tensor=...): expected a symbolic tensor; got {signature_of(tensor)}. Pass data to the model."
            )
        return tensor
    layer = InputLayer(
        shape=shape,
        batch_size=batch_size,
        dtype=dtype,
        sparse=sparse,
        ragged=ragged,
        batch_shape=batch_shape,
        optional=optional,
        name=name,
    )
    tensor = layer.output
    assert isinstance(tensor, SymbolicTensor)
    return tensor
