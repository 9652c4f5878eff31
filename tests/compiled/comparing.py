"""A compiled kernel compared with the plain one."""

import contextlib

import numpy as np

import eagerflow as ef
from eagerflow.base import variants
from eagerflow.compiled import choice
from eagerflow.kernels.convolution.algorithms import choose


def forget():
    """Look for all variants again: what was asked for has changed."""
    choice.is_on.cache_clear()
    choose.cache_clear()
    variants.find_again()


@contextlib.contextmanager
def without(*places):
    """Inside of the block the plain kernels of these files and names compute."""
    before = {place: variants._found.get(place) for place in places}
    variants._found.update(dict.fromkeys(places))
    try:
        yield
    finally:
        variants._found.update(before)


def numbers(*shape, dtype="float32", scale=1.0, seed=0):
    return (np.random.default_rng(seed).normal(size=shape) * scale).astype(dtype)


def both(file, name, *args):
    """The results of the compiled kernel and of the plain one."""
    found = choice.find(file, name)
    assert found is not None, f"{name} has no compiled variant"
    made = found(*args)
    assert made is not None, f"{name} doesn't take these arrays"
    with np.errstate(all="ignore"):
        return made, variants.PLAIN[file, name](*args)


def on_threads(run, counts=(1, 2, 3)):
    """What `run()` gives on one thread, after a check that it gives the same bits on others."""
    before, found = ef.get_num_threads(), []
    try:
        for count in counts:
            ef.set_num_threads(count)
            found.append(run())
    finally:
        ef.set_num_threads(before)
    for other in found[1:]:
        for one, same in zip(ef.tree.flatten(found[0]), ef.tree.flatten(other), strict=True):
            np.testing.assert_array_equal(one, same)
    return found[0]


def close(found, wanted, dtype, times=8.0, size=1e-30):
    """Within some rounding errors of the largest number, or of a `size`; infinite and NaN in the same places."""
    if isinstance(wanted, tuple):
        for one, other in zip(found, wanted, strict=True):
            close(one, other, dtype, times, size)
        return
    if wanted is None or found is None:
        assert found is wanted
        return
    assert found.dtype == wanted.dtype
    assert found.shape == wanted.shape
    finite = np.isfinite(wanted)
    assert np.array_equal(np.isnan(found), np.isnan(wanted))
    assert np.array_equal(found[~finite & ~np.isnan(wanted)], wanted[~finite & ~np.isnan(wanted)])
    most = np.abs(wanted[finite]).max(initial=0.0)
    assert np.abs(found[finite] - wanted[finite]).max(initial=0.0) <= times * np.finfo(dtype).eps * max(most, size)
