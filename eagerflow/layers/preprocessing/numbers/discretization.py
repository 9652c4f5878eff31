"""`Discretization`: numbers put into bins between boundaries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy

from eagerflow import ops
from eagerflow.base.config import floatx
from eagerflow.base.typing import Data, EncodedMode, PolicyLike, Shape, TensorLike
from eagerflow.core.device import to_host
from eagerflow.core.tensor import Tensor
from eagerflow.layer.input_spec import describe
from eagerflow.layer.layer import Layer
from eagerflow.layer.settings import integer
from eagerflow.layer.symbolic.tensors import SymbolicTensor
from eagerflow.layers.preprocessing.numbers.encoding import encode, encoded_shape, mode_of, without_sparse
from eagerflow.layers.preprocessing.strings import batches

__all__ = ["Discretization"]


class Discretization(Layer):
    """Replaces numbers by the indices of the bins that they fall into.

    Args:
        bin_boundaries: increasing numbers: n of them make n + 1 bins. A number on a boundary belongs to the
            bin above.
        num_bins: instead of boundaries, the number of bins that `adapt` makes, with about as many values in each.
        epsilon: the tolerance of `adapt`: by what fraction of the values a bin may be too large or too small.
        output_mode: `"int"` for the indices of bins; `"one_hot"`, `"multi_hot"` or `"count"` for vectors, as in
            `CategoryEncoding`.
        sparse: only False is possible.
        dtype: the type of vectors; indices are int32.
        name: the layer's name.

    Raises:
        ValueError: unless exactly one of bin_boundaries and num_bins is given.

    Source: `keras.layers.Discretization` 3.15, whose summaries of quantiles give the same boundaries.

    >>> ef.layers.Discretization(bin_boundaries=[0.0, 1.0, 2.0])([[-1.5, 1.0, 3.4, 0.5]]).tolist()
    [[0, 2, 3, 1]]
    """

    def __init__(
        self,
        bin_boundaries: TensorLike = None,
        num_bins: int | None = None,
        epsilon: float = 0.01,
        output_mode: EncodedMode = "int",
        sparse: bool = False,
        dtype: PolicyLike = None,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        without_sparse(self, sparse=sparse)
        if (num_bins is None) == (bin_boundaries is None):
            raise ValueError(
                f"Discretization(bin_boundaries={bin_boundaries!r}, num_bins={num_bins!r}): expected one of the two."
            )
        self.bin_boundaries = bin_boundaries if bin_boundaries is None else [float(b) for b in bin_boundaries]
        self.num_bins = None if num_bins is None else integer(self, "num_bins", num_bins, least=0)
        self.epsilon = epsilon
        self.output_mode = mode_of(self, output_mode)
        self.sparse = sparse
        self.summary = numpy.zeros((2, 0), "float32")

    @property
    def input_dtype(self) -> str:
        """The type that floating-point inputs are cast to."""
        return floatx()

    @property
    def output_dtype(self) -> str:
        """The type of the results.

        >>> [ef.layers.Discretization([0.0], output_mode=mode).output_dtype for mode in ("int", "one_hot")]
        ['int32', 'float32']
        """
        return "int32" if self.output_mode == "int" else self.compute_dtype

    def adapt(self, data: Data, steps: int | None = None) -> None:
        """Finds boundaries such that each bin contains about equally many of the values.

        Args:
            data: an array, or a `Dataset` or other iterable of batches.
            steps: how many batches to use; None for all.

        Raises:
            ValueError: when the layer was made with boundaries.

        >>> layer = ef.layers.Discretization(num_bins=2)
        >>> layer.adapt(np.array([1.0, 2.0, 3.0, 10.0, 11.0, 12.0]))
        >>> layer([0.0, 2.0, 11.0]).tolist()
        [0, 0, 1]
        """
        if self.num_bins is None:
            raise ValueError(
                f"{describe(self)} was made with bin_boundaries, which adapt would replace. "
                "Make it with num_bins=... instead."
            )
        self.reset_state()
        whole = isinstance(data, Tensor) or hasattr(data, "__array__")
        for batch in [data] if whole else batches(data, steps):
            self.update_state(batch)
        self.finalize_state()

    def update_state(self, data: Data) -> None:
        """Adds a batch of values to those from which `finalize_state` computes the boundaries.

        Args:
            data: numbers of any shape.

        >>> layer = ef.layers.Discretization(num_bins=2)
        >>> for batch in ([1.0, 2.0, 3.0], [10.0, 11.0, 12.0]):
        ...     layer.update_state(batch)
        >>> layer.finalize_state()
        >>> layer([0.0, 2.0, 11.0]).tolist()
        [0, 0, 1]
        """
        values = numpy.asarray(to_host(data.data) if isinstance(data, Tensor) else data, "float32")
        merged = numpy.concatenate([summarized(values, self.epsilon), self.summary], axis=1)
        self.summary = compressed(merged[:, merged[0].argsort()], self.epsilon)

    def finalize_state(self) -> None:
        """Computes the boundaries from the values that `update_state` has seen.

        >>> layer = ef.layers.Discretization(num_bins=2)
        >>> layer.update_state([1.0, 2.0, 3.0, 4.0])
        >>> layer.finalize_state()
        >>> layer.bin_boundaries
        [2.0]
        """
        if self.num_bins is not None:
            self.bin_boundaries = compressed(self.summary, 1 / self.num_bins)[0, :-1].tolist()

    def reset_state(self) -> None:
        """Forgets the values that `update_state` has seen.

        >>> layer = ef.layers.Discretization(num_bins=2)
        >>> layer.update_state([100.0, 200.0])
        >>> layer.reset_state()
        >>> layer.update_state([1.0, 2.0, 3.0, 4.0])
        >>> layer.finalize_state()
        >>> layer.bin_boundaries
        [2.0]
        """
        self.summary = numpy.zeros((2, 0), "float32")

    if TYPE_CHECKING:

        def __call__(self, inputs: TensorLike, *, training: bool | None = None) -> Tensor: ...

    def call(self, inputs: Tensor) -> Tensor:
        """The bins of the numbers, in the form that `output_mode` says."""
        if self.bin_boundaries is None:
            raise ValueError(f"{describe(self)} has no boundaries yet: call adapt(data) first, or pass bin_boundaries.")
        bins = ops.digitize(inputs, self.bin_boundaries)
        return encode(bins, self.output_mode, len(self.bin_boundaries) + 1, self.output_dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The shape of the input; for vectors, with the number of bins in place of its last axis or after it."""
        known = self.bin_boundaries is not None
        depth = len(self.bin_boundaries) + 1 if known else self.num_bins  # type: ignore[arg-type]
        return encoded_shape(input_shape, self.output_mode, depth)

    def compute_output_spec(self, inputs: Any) -> SymbolicTensor:
        """The result, symbolically."""
        return SymbolicTensor(self.compute_output_shape(inputs.shape), self.output_dtype)

    def load_own_variables(self, store: Any) -> None:
        """Does nothing, since the boundaries are part of the configuration.

        Args:
            store: ignored.
        """
        if len(store.keys()) == 1:
            self.summary = numpy.asarray(store["0"])

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer."""
        names = ("bin_boundaries", "num_bins", "epsilon", "output_mode", "sparse", "name", "dtype")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Discretization:
        """Creates a layer from the dict that `get_config` returned, with the boundaries that `adapt` found."""
        if config.get("bin_boundaries") is None or config.get("num_bins") is None:
            return cls(**config)
        made = cls(**{k: v for k, v in config.items() if k != "bin_boundaries"})
        made.bin_boundaries = config["bin_boundaries"]
        return made


def summarized(values: numpy.ndarray, epsilon: float) -> numpy.ndarray:
    """A sample of the sorted values (first row), and for how many each stands (second row)."""
    values = numpy.sort(values.reshape(-1))
    step = max(values.size / (1.0 / epsilon), 1.0)
    chosen = values[int(step - 1) :: int(step)]
    return numpy.stack([chosen, numpy.full_like(chosen, step)])


def compressed(summary: numpy.ndarray, epsilon: float) -> numpy.ndarray:
    """The summary at about `1 / epsilon` quantiles."""
    if summary.shape[1] * epsilon < 1:
        return summary
    weights = summary[1].cumsum()
    shares = weights / weights[-1]
    wanted = epsilon + numpy.arange(0.0, 1.0, epsilon)
    upto = numpy.interp(wanted, shares, weights)
    found = numpy.stack([numpy.interp(wanted, shares, summary[0]), numpy.diff(upto, prepend=0)])
    return found.astype("float32")
