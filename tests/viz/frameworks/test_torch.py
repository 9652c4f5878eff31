"""PyTorch programs that are watched compute the same bits, and what they do is recorded."""

from __future__ import annotations

import gc
import subprocess
import sys
import warnings
import weakref

import pytest

import viz

torch = pytest.importorskip("torch", reason="PyTorch isn't installed here: make test-torch")

from tests.viz.frameworks.programs import PROGRAMS  # noqa: E402

STEPS = 3
OF_TORCH = ("DeprecationWarning", "FutureWarning", "UserWarning", "ResourceWarning")  # what it says of itself
pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    *[pytest.mark.filterwarnings(f"ignore::{name}") for name in OF_TORCH],
]


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


@pytest.fixture
def mlp():
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(6, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
    return model, torch.optim.SGD(model.parameters(), lr=0.1), torch.randn(5, 6)


def step(model, optimizer, x):
    optimizer.zero_grad()
    loss = model(x).square().mean()
    loss.backward()
    optimizer.step()
    return loss


def test_a_step_is_recorded_from_the_inputs_to_the_updates(mlp):
    model, optimizer, batch = mlp
    with viz.trace(stats="basic") as t:
        losses = [step(model, optimizer, batch).item() for _ in range(2)]
    assert len(t.steps) == 2
    ops = [op for op in t.ops if op.step == 0]
    forward = [op for op in ops if op.phase == "forward"]
    assert [op.name for op in forward] == ["linear", "relu", "linear", "square", "mean"]
    assert [op.forward for op in ops if op.phase == "backward"] == [op.id for op in reversed(forward)]
    assert [(op.name, t.tensors[op.outputs[0]].name) for op in ops if op.phase == "update"] == [
        ("sgd_update", f"model/{name}") for name in ("0/weight", "0/bias", "2/weight", "2/bias")
    ]
    for op in ops:
        if op.phase == "update":
            weight, gradient = (t.tensors[i] for i in op.inputs)
            assert gradient.gradient_of == weight.id
            assert gradient.shape == weight.shape
    paths = {t.path(op.scope) for op in forward}
    assert {path.removeprefix("train_step/") for path in paths} >= {"model/0", "model/1", "model/2"}
    assert [log.values["loss"] for log in t.logs] == losses
    assert all(op.stack[0].code == "loss = model(x).square().mean()" for op in forward)
    first = t.tensors[forward[0].inputs[0]]
    assert (first.role, t.shown(first.id)) == ("input", "x")
    assert all(s.freed is not None for s in t.storages if s.nbytes == 5 * 8 * 4)  # activations of the hidden layer


def test_gradients_have_the_statistics_of_what_backward_gives(mlp):
    model, optimizer, batch = mlp
    with viz.trace(stats="full") as t:
        step(model, optimizer, batch)
    norms = {t.tensors[x.gradient_of].name: x.stats.l2 for x in t.tensors if x.gradient_of is not None and x.stats}
    for name, parameter in model.named_parameters():
        path = "model/" + name.replace(".", "/")
        assert norms[path] == pytest.approx(parameter.grad.norm().item(), rel=1e-5)


def test_everything_that_shows_a_recording_shows_one_of_torch(mlp, tmp_path):
    model, optimizer, batch = mlp
    with viz.trace(stats="basic", values="weight$") as t:
        for _ in range(2):
            step(model, optimizer, batch)
    t.save(tmp_path / "step.efz")
    found = viz.load(tmp_path / "step.efz")
    assert "model (Sequential)" in str(found.summary())
    assert "linear" in str(found.top())
    assert found.find("linear")
    found.draw(tmp_path / "step.svg")
    assert "linear" in (tmp_path / "step.svg").read_text(encoding="utf-8")
    found.to_html(tmp_path / "step.html")
    found.to_perfetto(tmp_path / "step.json")
    assert "no difference" in str(viz.diff(t, found))
    assert any(value.shape == (8, 6) for value in found.values.values())


def test_a_listener_that_makes_a_mistake_rests_and_the_program_goes_on(mlp):
    from eagerflow.core.observe import Observer
    from viz.frameworks import observing

    class Faulty(Observer):
        heard = 0

        def on_op(self, *event):
            self.heard += 1
            raise KeyError("of the listener's")

    model, optimizer, batch = mlp
    faulty = Faulty()
    with pytest.warns(RuntimeWarning, match="Faulty failed and rests: KeyError"), observing(faulty):
        losses = [step(model, optimizer, batch).item() for _ in range(2)]
    assert faulty.heard == 1
    assert losses[1] < losses[0]


def test_a_guard_stops_at_the_first_nan(mlp):
    model, optimizer, batch = mlp
    with pytest.raises(viz.NonfiniteError, match="log made"), viz.trace(on_nonfinite="raise"):
        (model(batch) - 100).log().mean().backward()
    before = model[0].weight.detach().clone()
    step(model, optimizer, batch)  # nothing of it stays behind
    assert not torch.equal(before, model[0].weight)


def test_a_guard_finds_the_gradient_that_is_infinite(mlp):
    model, _, batch = mlp
    with pytest.raises(viz.NonfiniteError, match="gradient of sqrt"), viz.trace(on_nonfinite="raise"):
        (model(batch) * 0).abs().sqrt().sum().backward()


def test_a_class_may_be_an_argument_of_an_op():
    with warnings.catch_warnings(), viz.trace() as t:
        warnings.simplefilter("error", RuntimeWarning)
        torch.ones(3, dtype=torch.float64).type(torch.Tensor).exp()
    assert [op.name for op in t.ops][-2:] == ["cast", "exp"]
    assert "Tensor" in t.ops[-2].settings.values()


def test_chosen_steps_alone_are_recorded(mlp):
    model, optimizer, batch = mlp
    with viz.trace(steps=(1, 3)) as t:
        for _ in range(5):
            step(model, optimizer, batch)
    assert [each.number for each in t.steps] == [1, 3]
    assert {op.phase for op in t.ops} == {"forward", "backward", "update"}


def patched():
    return torch.nn.Module.__call__, torch.autograd._engine_run_backward, torch.optim.Optimizer.zero_grad


def test_nothing_stays_behind():
    model, batch = torch.nn.Sequential(torch.nn.Linear(6, 2)), torch.randn(5, 6)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    held = patched()
    with viz.trace() as t:
        step(model, optimizer, batch)
        going = model(batch).square().mean()  # its graph outlives the recording
    going.backward()
    assert held == patched()
    watch = weakref.ref(model)
    del model, optimizer, going
    gc.collect()
    assert watch() is None, "a model"
    assert t.ops


def test_frameworks_are_met_when_a_script_imports_them(tmp_path):
    script = tmp_path / "train.py"
    script.write_text(
        "import torch\n"
        "w = torch.ones(3, requires_grad=True)\n"
        "optimizer = torch.optim.SGD([w], lr=0.1)\n"
        "for _ in range(2):\n"
        "    loss = (w * w).sum()\n"
        "    loss.backward()\n"
        "    optimizer.step()\n",
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "viz", "run", "-o", str(tmp_path / "train.efz"), str(script)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    t = viz.load(tmp_path / "train.efz")
    assert len(t.steps) == 2
    assert {op.name for op in t.ops} == {"multiply", "sum", "sgd_update"}
    assert {x.name for x in t.tensors if x.role == "parameter"} == {"w"}


def test_viz_alone_imports_no_torch():
    code = "import sys, viz, eagerflow as ef\nwith viz.trace(): ef.ops.tanh(1.0)\nprint('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_module_is_watched_for_tensorboard(mlp, tmp_path, monkeypatch):
    pytest.importorskip("tensorboardX")
    found = {}
    monkeypatch.setattr(
        viz.SummaryWriter, "scalars", lambda self, values, at: found.update({(at, k): values[k] for k in values})
    )
    model, optimizer, batch = mlp
    with viz.watch(model, tmp_path / "logs", every=2, what=("weights", "gradients", "activations")):
        for _ in range(4):
            step(model, optimizer, batch)
    assert {at for at, _ in found} == {0, 2}
    assert (0, "gradients/model/0/weight/norm") in found
    assert (2, "activations/model/1/norm") in found
    assert found[2, "weights/model/2/bias/norm"] > 0


def test_a_view_that_was_made_and_changed_without_gradients_does_not_end_the_recording(mlp):
    model, optimizer, x = mlp

    class Shifted(torch.nn.Module):
        def forward(self, x):
            with torch.no_grad():
                rows = x.clone()
                first = rows[:, :1]
                first.mul_(2.0)
            rows += model(x).sum() * 0.0
            with torch.no_grad():
                first.mul_(1.0)
            return model(rows)

    with warnings.catch_warnings(), viz.trace() as trace:
        warnings.simplefilter("error", RuntimeWarning)
        Shifted()(x).sum().backward()
        optimizer.step()
    assert any(op.phase == "update" for op in trace.ops)


def test_weights_that_their_module_initializes_have_its_names():
    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.last = torch.nn.Linear(3, 1)
            with torch.no_grad():
                self.last.weight.normal_(0, 0.1)

        def forward(self, x):
            return self.last(x)

    with viz.trace() as t:
        net = Net()
        net(torch.ones(2, 3)).sum().backward()
    assert {x.name for x in t.tensors if x.role == "parameter"} == {"net/last/weight", "net/last/bias"}


def test_a_function_that_is_called_in_place_and_not_is_heard_both_times():
    x = torch.randn(4, 3)
    with viz.trace() as t:
        hidden = x * 2
        torch.nn.functional.relu(hidden, inplace=False)
        torch.nn.functional.relu(hidden, inplace=True)
    assert [op.name for op in t.ops] == ["multiply", "relu", "relu"]
    assert t.ops[1].outputs != t.ops[2].outputs


def test_each_op_of_a_gradient_that_is_differentiated_has_its_own_backward_op():
    net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))
    x = torch.randn(4, 3, requires_grad=True)
    with viz.trace() as t:
        (gradient,) = torch.autograd.grad(net(x).sum(), x, create_graph=True)
        gradient.square().sum().backward()
    assert [(op.name, op.forward) for op in t.ops if op.phase == "backward"] == [
        *[("sum", 3), ("linear", 2), ("tanh", 1), ("linear", 0)],
        *[("sum", 9), ("square", 8), ("linear", 7), ("tanh", 6), ("linear", 5)],  # of the gradient
        *[("linear", 2), ("tanh", 1), ("linear", 0)],
    ]
