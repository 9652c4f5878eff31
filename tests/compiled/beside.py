"""A compiled kernel and the plain one, run beside each other."""

import numpy as np

from eagerflow.base import twins
from eagerflow.compiled import beaten, choice, kernel, provider
from eagerflow.kernels.convolution.algorithms import choose


def forget():
    """Let all be found anew: what was asked for has changed."""
    choice.asked.cache_clear()
    choice.is_on.cache_clear()
    beaten.beaten.cache_clear()
    choose.cache_clear()
    twins.find_again()
    for each in kernel.KERNELS.values():
        each.forget()


def numbers(*shape, dtype="float32", scale=1.0, seed=0):
    return (np.random.default_rng(seed).normal(size=shape) * scale).astype(dtype)


def both(file, name, *given):
    """What the compiled kernel gives, and what the plain one does."""
    found = provider.find(file, name)
    assert found is not None, f"{name} has no compiled twin"
    made = found(*given)
    assert made is not None, f"{name} doesn't take these arrays"
    with np.errstate(all="ignore"):
        return made, twins.PLAIN[file, name](*given)


def close(found, wanted, dtype, times=8.0, size=1e-30):
    """Within some rounding errors of the largest number, or of a `size`; infinite and NaN in the same places."""
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
