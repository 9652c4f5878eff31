"""Draws from distributions. Numbers are drawn on the host and placed on the current device."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from eagerflow.base.capturing import replayed
from eagerflow.base.errors import signature_of
from eagerflow.base.tracebacks import boundary
from eagerflow.base.typing import DrawnType, DType, Seed
from eagerflow.core.device import current_device, place, to_host
from eagerflow.core.dtypes import as_dtype, is_float_dtype, is_int_dtype
from eagerflow.core.strategy import active
from eagerflow.core.tensor import Tensor
from eagerflow.random.parallel_draws import uniform_between
from eagerflow.random.seed_generator import announced, draw, drawn
from eagerflow.random.sharded_draws import of_rows, sharded_rows

__all__ = ["beta", "binomial", "categorical", "gamma", "normal", "randint", "truncated_normal", "uniform"]


@boundary
@drawn
def normal(shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: DrawnType = None, seed: Seed = None) -> Tensor:
    """Draws from a normal distribution.

    Args:
        shape: the shape of the result.
        mean: the mean of the distribution.
        stddev: the standard deviation of the distribution.
        dtype: a float type; default: `floatx()`.
        seed: an integer (the same numbers at every call), a `SeedGenerator`, or None for the global state, which
            `set_random_seed` sets.

    Returns:
        A tensor of `shape`.

    Raises:
        ValueError: for an impossible shape, a type that isn't float, or an unusable seed.

    >>> ef.random.normal((2, 3), seed=1).shape
    (2, 3)
    >>> draws = ef.random.normal((10_000,), mean=5.0, stddev=2.0, seed=1)
    >>> round(float(draws.mean())), round(float(draws.std()))
    (5, 2)
    """
    wanted = _float(dtype, "normal")
    source = draw(seed, "normal")
    drawn = of_rows(_shape(shape, "normal"), "normal", lambda dims: _standard_normal(source, dims, wanted))
    if isinstance(stddev, Tensor) or isinstance(mean, Tensor):
        return announced(_placed(drawn, wanted), seed, "normal", mean=0.0, stddev=1.0) * stddev + mean
    return announced(_moved(drawn, stddev, mean, wanted), seed, "normal", mean=mean, stddev=stddev)


@boundary
@drawn
def truncated_normal(
    shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: DrawnType = None, seed: Seed = None
) -> Tensor:
    """Draws from a normal distribution; values beyond two standard deviations are drawn again.

    Args:
        shape: the shape of the result.
        mean: the mean before truncation.
        stddev: the standard deviation before truncation.
        dtype: a float type; default: `floatx()`.
        seed: an integer, a `SeedGenerator` or None, as for `normal`.

    Returns:
        A tensor of `shape`, all within `mean ± 2 * stddev`.

    Raises:
        ValueError: for an impossible shape, a type that isn't float, or an unusable seed.

    >>> draws = ef.random.truncated_normal((1000,), stddev=0.5, seed=1)
    >>> float(abs(draws).max()) <= 2 * 0.5
    True
    """
    wanted = _float(dtype, "truncated_normal")
    source = draw(seed, "truncated_normal")
    dims = _shape(shape, "truncated_normal")
    rows = None if active.shard is None else sharded_rows(dims, "truncated_normal")
    drawn = _standard_normal(source, dims if rows is None else (rows.all, *dims[1:]), wanted)
    flat = drawn.reshape(-1)
    outside = numpy.flatnonzero(abs(flat) > 2)
    while outside.size:
        flat[outside] = _standard_normal(source, outside.shape, wanted)
        outside = outside[abs(flat[outside]) > 2]
    found = flat.reshape(drawn.shape) if rows is None else flat.reshape(drawn.shape)[rows.first : rows.last]
    if isinstance(stddev, Tensor) or isinstance(mean, Tensor):
        return announced(_placed(found, wanted), seed, "truncated normal", mean=0.0, stddev=1.0) * stddev + mean
    return announced(_moved(found, stddev, mean, wanted), seed, "truncated normal", mean=mean, stddev=stddev)


@boundary
@drawn
def uniform(shape: Any, minval: Any = 0.0, maxval: Any = 1.0, dtype: DrawnType = None, seed: Seed = None) -> Tensor:
    """Draws from a uniform distribution over `[minval, maxval)`.

    Args:
        shape: the shape of the result.
        minval: the lower bound, which is included.
        maxval: the upper bound, which is not included.
        dtype: a float type; default: `floatx()`.
        seed: an integer, a `SeedGenerator` or None, as for `normal`.

    Returns:
        A tensor of `shape`.

    Raises:
        ValueError: for an impossible shape, a type that isn't float, or an unusable seed.

    >>> draws = ef.random.uniform((1000,), minval=-1.0, maxval=3.0, seed=1)
    >>> float(draws.min()) >= -1, float(draws.max()) < 3, round(float(draws.mean()))
    (True, True, 1)
    """
    wanted = _float(dtype, "uniform")
    source = draw(seed, "uniform")
    dims, kind = _shape(shape, "uniform"), _drawn_type(wanted)
    if isinstance(minval, Tensor) or isinstance(maxval, Tensor):
        plain = of_rows(dims, "uniform", lambda d: source.random(d, kind))
        drawn = announced(_placed(plain, wanted), seed, "uniform", low=0.0, high=1.0)
        return drawn * (maxval - minval) + minval
    low, high = numpy.asarray(minval, kind), numpy.asarray(maxval, kind)
    if not low.ndim and not high.ndim and wanted == kind:
        found = of_rows(dims, "uniform", lambda d: uniform_between(source, d, low, high))
    else:
        plain = of_rows(dims, "uniform", lambda d: source.random(d, kind))
        found = _below((plain * (high - low) + low).astype(wanted, copy=False), high, low)
    return announced(_placed(found, wanted), seed, "uniform", low=minval, high=maxval)


@boundary
@replayed
def randint(shape: Any, minval: Any, maxval: Any, dtype: DrawnType = "int32", seed: Seed = None) -> Tensor:
    """Draws integers uniformly from `[minval, maxval)`.

    Args:
        shape: the shape of the result.
        minval: the lower bound, which is included.
        maxval: the upper bound, which is not included.
        dtype: an integer type.
        seed: an integer, a `SeedGenerator` or None, as for `normal`.

    Returns:
        A tensor of `shape`.

    Raises:
        ValueError: for an impossible shape, an empty range, a type that isn't integer, or an unusable seed.

    >>> sorted(set(ef.random.randint((100,), 3, 6, seed=1).tolist()))
    [3, 4, 5]
    """
    if not is_int_dtype(dtype):
        raise ValueError(f"random.randint(dtype={dtype!r}): expected an integer type such as 'int32'.")
    low, high = _host(minval), _host(maxval)
    if (numpy.asarray(low) >= high).any():
        raise ValueError(
            f"random.randint(minval={minval!r}, maxval={maxval!r}): expected minval < maxval, since maxval is left out."
        )
    same = not numpy.ndim(low) and not numpy.ndim(high)
    source = draw(seed, "randint", not same)
    drawn = of_rows(
        _shape(shape, "randint"), "randint", lambda dims: source.integers(low, high, dims, dtype="int64"), same
    )
    return announced(_placed(numpy.asarray(drawn), as_dtype(dtype)), seed, "integers", low=low, high=high)


@boundary
@replayed
def categorical(logits: Any, num_samples: int, dtype: DType = "int32", seed: Seed = None) -> Tensor:
    """Draws indices of categories, with the probabilities `softmax(logits)` of each row.

    Args:
        logits: shape (batch, categories): unnormalized log-probabilities.
        num_samples: how many to draw per row.
        dtype: an integer type.
        seed: an integer, a `SeedGenerator` or None, as for `normal`.

    Returns:
        Shape (batch, num_samples). No gradient flows to `logits`.

    Raises:
        ValueError: when `logits` doesn't have two axes or holds a row without a distribution, or for an
            unusable seed.

    >>> ef.random.categorical([[0.0, -1e9], [-1e9, 0.0]], 3, seed=1).tolist()
    [[0, 0, 0], [1, 1, 1]]
    """
    values = numpy.asarray(_host(logits), "float64")
    if values.ndim != 2 or not values.shape[1]:
        raise ValueError(f"random.categorical(logits={signature_of(values)}): expected shape (batch, categories).")
    with numpy.errstate(invalid="ignore"):
        upto = numpy.exp(values - values.max(axis=1, keepdims=True)).cumsum(axis=1)
        upto /= upto[:, -1:]
    if numpy.isnan(upto[:, -1]).any():
        raise ValueError("random.categorical(logits): a row holds NaN, infinity, or -infinity everywhere.")
    rows, categories = values.shape
    # One search for all rows: row i's cumulated probabilities are moved to the stretch from i to i + 1.
    row = numpy.arange(rows)[:, None]
    source = draw(seed, "categorical")
    drawn = of_rows((rows, num_samples), "categorical", source.random) + row
    found = numpy.searchsorted((upto + row).reshape(-1), drawn, side="right") - row * categories
    given = {"logits": logits} if isinstance(logits, Tensor) else {}  # which pictures show: what the choice rests on
    return announced(_placed(found.clip(0, categories - 1), as_dtype(dtype)), seed, "categorical", **given)


@boundary
@replayed
def gamma(shape: Any, alpha: Any, dtype: DrawnType = None, seed: Seed = None) -> Tensor:
    """Draws from a gamma distribution with scale 1.

    Args:
        shape: the shape of the result.
        alpha: the shape parameter, above 0; a number or an array that broadcasts to `shape`.
        dtype: a float type; default: `floatx()`.
        seed: an integer, a `SeedGenerator` or None, as for `normal`.

    Returns:
        A tensor of `shape`. No gradient flows to `alpha`.

    Raises:
        ValueError: for an impossible shape or parameter, a type that isn't float, or an unusable seed.

    >>> draws = ef.random.gamma((10_000,), 2.0, seed=1)
    >>> float(draws.min()) > 0, round(float(draws.mean()))
    (True, 2)
    """
    wanted = _float(dtype, "gamma")
    shape, alpha = _shape(shape, "gamma"), _host(alpha)
    same, kind = not numpy.ndim(alpha), _drawn_type(wanted)
    source = draw(seed, "gamma", not same)
    drawn = of_rows(shape, "gamma", lambda dims: source.standard_gamma(alpha, dims, dtype=kind), same)
    return announced(_placed(drawn, wanted), seed, "gamma")


@boundary
@replayed
def beta(shape: Any, alpha: Any, beta: Any, dtype: DrawnType = None, seed: Seed = None) -> Tensor:
    """Draws from a beta distribution.

    Args:
        shape: the shape of the result.
        alpha: the first parameter, above 0; a number or an array that broadcasts to `shape`.
        beta: the second parameter, in the same way.
        dtype: a float type; default: `floatx()`.
        seed: an integer, a `SeedGenerator` or None, as for `normal`.

    Returns:
        A tensor of `shape`, between 0 and 1. No gradient flows to the parameters.

    Raises:
        ValueError: for an impossible shape or parameter, a type that isn't float, or an unusable seed.

    >>> draws = ef.random.beta((10_000,), 1.0, 3.0, seed=1)
    >>> round(float(draws.mean()), 2)
    0.25
    """
    return _of_two_parameters("beta", shape, alpha, beta, dtype, seed)


@boundary
@replayed
def binomial(shape: Any, counts: Any, probabilities: Any, dtype: DrawnType = None, seed: Seed = None) -> Tensor:
    """Draws from a binomial distribution: the numbers of successes among independent trials.

    Args:
        shape: the shape of the result.
        counts: the number of trials; a number or an array that broadcasts to `shape`.
        probabilities: the probability of a success, from 0 to 1, in the same way.
        dtype: a float type; default: `floatx()`.
        seed: an integer, a `SeedGenerator` or None, as for `normal`.

    Returns:
        A tensor of `shape`.

    Raises:
        ValueError: for an impossible shape or parameter, a type that isn't float, or an unusable seed.

    >>> ef.random.binomial((2,), 5, 1.0, seed=1).tolist()
    [5.0, 5.0]
    >>> round(float(ef.random.binomial((10_000,), 10, 0.3, seed=1).mean()))
    3
    """
    trials = numpy.asarray(_host(counts)).astype("int64")
    return _of_two_parameters("binomial", shape, trials, probabilities, dtype, seed)


def _of_two_parameters(name: str, shape: Any, first: Any, second: Any, dtype: DType, seed: Seed) -> Tensor:
    wanted = _float(dtype, name)
    first, second = _host(first), _host(second)
    same = not numpy.ndim(first) and not numpy.ndim(second)
    method: Callable[..., Any] = getattr(draw(seed, name, not same), name)
    drawn = of_rows(_shape(shape, name), name, lambda dims: numpy.asarray(method(first, second, dims)), same)
    return announced(_placed(drawn, wanted), seed, name)


def _standard_normal(source: numpy.random.Generator, shape: Any, wanted: numpy.dtype) -> numpy.ndarray:
    return source.standard_normal(shape, _drawn_type(wanted))


def _drawn_type(wanted: numpy.dtype) -> Any:
    """NumPy draws float32 and float64; narrower types are rounded from float32."""
    return "float64" if wanted == "float64" else "float32"


def _moved(drawn: numpy.ndarray, scale: Any, shift: Any, wanted: numpy.dtype) -> Tensor:
    """`drawn * scale + shift`."""
    drawn = drawn if _is_one(scale) else drawn * numpy.asarray(scale, drawn.dtype)
    drawn = drawn if _is_zero(shift) else drawn + numpy.asarray(shift, drawn.dtype)
    return _placed(drawn, wanted)


def _is_one(x: Any) -> bool:
    return isinstance(x, (int, float)) and x == 1


def _is_zero(x: Any) -> bool:
    return isinstance(x, (int, float)) and x == 0


def _below(drawn: numpy.ndarray, high: Any, low: Any) -> numpy.ndarray:
    """Rounding can reach the upper bound, which is not to appear."""
    top = numpy.nextafter(high.astype(drawn.dtype), low.astype(drawn.dtype))
    return numpy.where((drawn >= high) & (high > low), top, drawn)


def _placed(drawn: numpy.ndarray, wanted: numpy.dtype) -> Tensor:
    return Tensor(place(numpy.asarray(drawn, wanted), current_device()), None, None)


def _host(value: Any) -> Any:
    """A parameter of a distribution, as NumPy takes it."""
    return to_host(value.data) if isinstance(value, Tensor) else value


def _float(dtype: DType, where: str) -> numpy.dtype:
    if not is_float_dtype(dtype):
        raise ValueError(f"random.{where}(dtype={dtype!r}): expected a float type such as 'float32'.")
    return as_dtype(dtype)


def _shape(shape: Any, where: str) -> tuple[int, ...]:
    """`shape` as a tuple of ints."""
    try:
        numbers = shape.tolist() if isinstance(shape, numpy.ndarray) else shape  # an array has `__index__`, too
        dims = tuple([int(n.__index__()) for n in ((numbers,) if hasattr(numbers, "__index__") else numbers)])
    except (TypeError, AttributeError):
        dims = (-1,)
    if any(n < 0 for n in dims):
        raise ValueError(
            f"random.{where}(shape={shape!r}): expected a tuple of integers of at least 0, such as (2, 3)."
        )
    return dims
