"""PyTorch programs that are watched compute the same bits, and what they do is recorded."""

from __future__ import annotations

import warnings

import pytest

import viz

torch = pytest.importorskip("torch", reason="PyTorch isn't installed here: make test-torch")

from tests.viz.frameworks.programs import PROGRAMS  # noqa: E402

STEPS = 3
OF_TORCH = ("DeprecationWarning", "FutureWarning", "UserWarning", "ResourceWarning")  # what it says of itself
pytestmark = [pytest.mark.filterwarnings(f"ignore::{name}") for name in OF_TORCH]


def state_of(kept):
    """All tensors that a program changes, with what else of them could differ."""
    found = {}
    for number, each in enumerate(kept):
        if isinstance(each, torch.nn.Module):
            for name, x in [*each.named_parameters(), *each.named_buffers()]:
                found[number, name] = x
            for name, module in each.named_modules():
                found[number, name, "hooks"] = len(module._forward_hooks) + len(module._backward_hooks), module.training
        elif isinstance(each, torch.optim.Optimizer):
            for i, state in enumerate(each.state.values()):
                found |= {(number, i, key): x for key, x in state.items()}
        else:
            found[number, "tensor"] = each
    return found


def same(a, b):
    if isinstance(a, torch.Tensor):
        return (
            torch.equal(a, b)
            and (a.requires_grad, a.is_leaf, a.dtype, a._version) == (b.requires_grad, b.is_leaf, b.dtype, b._version)
            and (a.grad is None) == (b.grad is None)
            and (a.grad is None or torch.equal(a.grad.to_dense(), b.grad.to_dense()))
            and vars(a).keys() == vars(b).keys()
            and len(a._backward_hooks or ()) == len(b._backward_hooks or ())
        )
    return str(a) == str(b)


def run(name, watch=None):
    torch.manual_seed(0)
    torch._dynamo.reset()
    made = PROGRAMS[name]()
    if watch is None:
        return [made.step() for _ in range(STEPS)], made.kept, torch.get_rng_state(), None
    with watch as t:
        results = [made.step() for _ in range(STEPS)]
    return results, made.kept, torch.get_rng_state(), t


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("stats", ["none", "full"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_the_same_bits(name, stats):
    plain = run(name)
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)  # a listener that made a mistake
        watched = run(name, viz.trace(stats=stats))
    assert plain[0] == watched[0]
    assert torch.equal(plain[2], watched[2])
    a, b = state_of(plain[1]), state_of(watched[1])
    assert a.keys() == b.keys()
    assert [key for key in a if not same(a[key], b[key])] == []
    assert watched[3].ops
    assert torch._C._len_torch_function_stack() == 0
    assert torch.nn.Module.__call__ is torch.nn.Module._wrapped_call_impl
