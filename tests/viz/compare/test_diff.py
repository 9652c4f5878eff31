"""What differs between traces, steps, models and files is found, and nothing else."""

from __future__ import annotations

import contextlib
import itertools
import random
import re

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers, ops
from tests.viz.nets import Trainer, mlp
from viz.compare.sequence_alignment import align
from viz.compare.tensor_distance import arrays_apart
from viz.compare.traces import _shown


def tensor(*values):
    return ef.Tensor(np.array(values, "float32"))


def recorded(run, **options):
    with viz.trace(**options) as t:
        run()
    return t


def step_of(model, **options):
    """The recording of a step of training, with fixed weights."""
    trainer = Trainer(model)
    trainer.step()
    for i, weight in enumerate(model.weights):
        weight.assign(np.random.default_rng(i).normal(size=weight.shape).astype("float32"))
    return recorded(trainer.step, **options)


def net(*inner, name="net"):
    return ef.Sequential([*inner, layers.Dense(3)], name=name)


def kinds(found):
    return sorted({(c.kind, c.op) for c in found.ops})


# ---------------------------------------------------------------------- ops


def test_the_same_program_twice_doesnt_differ():
    """Though generated names do, as layers are made again."""
    a, b = (
        step_of(net(layers.Dense(4, activation="tanh"), layers.Dropout(0.0), name=name), values="") for name in "ab"
    )
    found = viz.diff(a, b)
    assert not found
    assert found.pairs == [(i, i) for i in range(len(a.ops))]
    assert "no difference" in str(found)
    assert found.compared["values"] > 20


def test_an_added_layer():
    a = step_of(net(layers.Dense(4, activation="tanh"), name="a"))
    b = step_of(net(layers.Dense(4, activation="tanh"), layers.LayerNormalization(name="ln"), name="b"))
    found = viz.diff(a, b)
    added = [c for c in found.ops if c.kind == "added"]
    assert added
    assert {c.layer for c in added if c.phase in ("forward", "backward")} == {"b/ln"}
    assert not [c for c in found.ops if c.kind != "added"]
    assert [(w.kind, w.name) for w in found.weights] == [("added", "b/ln/gamma"), ("added", "b/ln/beta")]
    back = viz.diff(b, a)
    assert {c.kind for c in back.ops} == {"removed"}
    assert len(back.ops) == len(found.ops)


def test_in_a_notebook_what_changed_is_in_tables():
    a, b = (step_of(net(layers.Dense(4, activation=kind)), values="") for kind in ("tanh", "relu"))
    shown = viz.diff(a, b)._repr_html_()
    assert shown.count("<table") == 2  # of ops, and of times
    assert re.search(r"<td[^>]*>dense</td><td[^>]*>net/dense\w*</td><td[^>]*>relu False → True</td>", shown)
    assert str(viz.diff(a, b)).count("\n  ~ dense in net/dense") == 1  # in a terminal it is a list


def test_another_width_changes_shapes():
    a, b = (step_of(net(layers.Dense(units))) for units in (4, 5))
    found = viz.diff(a, b)
    changed = next(c for c in found.ops if c.op == "dense" and c.phase == "forward")
    assert changed.kind == "changed"
    assert "output 8×4 f32 → 8×5 f32" in changed.what
    assert changed.source.partition(":")[0].endswith("test_diff.py")  # where the layer was made
    assert {w.kind for w in found.weights} == {"shape"}
    assert {(w.a, w.b) for w in found.weights} >= {("5×4 f32", "5×5 f32"), ("4 f32", "5 f32")}


@pytest.mark.parametrize(
    ("a", "b", "what"),
    [
        (lambda: ops.sum(ops.ones((3, 3)), axis=0), lambda: ops.sum(ops.ones((3, 3)), axis=1), ("axis 0 → 1",)),
        (
            lambda: ops.exp(ef.Tensor(np.ones(3, "float32"))),
            lambda: ops.exp(ef.Tensor(np.ones(3, "float64"))),
            ("input 3 f32 → 3 f64", "output 3 f32 → 3 f64"),
        ),
    ],
    ids=["setting", "dtype"],
)
def test_another_setting_or_dtype(a, b, what):
    (change,) = viz.diff(recorded(a), recorded(b)).ops
    assert (change.kind, change.what) == ("changed", what)


def test_a_renamed_layer_is_one_layer():
    a, b = (step_of(net(layers.Dense(4, name=name))) for name in ("old", "new"))
    found = viz.diff(a, b)
    assert {c.kind for c in found.ops} == {"changed"}
    assert all(any("net/old → net/new" in what for what in c.what) for c in found.ops if c.layer)


def failing():
    with pytest.raises(ValueError, match="matmul"):
        ops.matmul(ops.ones((2, 3)), ops.ones((2, 3)))


def test_an_op_that_fails():
    a = recorded(lambda: ops.matmul(ops.ones((2, 3)), ops.ones((3, 2))))
    found = viz.diff(a, recorded(failing))
    assert any("failed" in what for c in found.ops for what in c.what)


def test_traces_cut_short():
    whole = step_of(mlp("a"))
    cut = step_of(mlp("b"), max_ops=5)
    found = viz.diff(whole, cut)
    assert {c.kind for c in found.ops} == {"removed"}
    assert len(found.ops) == len(whole.ops) - len(cut.ops)


# ---------------------------------------------------------------------- elements


@pytest.mark.parametrize("options", [{"stats": "basic"}, {"values": ""}, {"stats": "full", "values": ""}])
def test_the_first_other_element_is_found(options):
    def run(slope):
        x = ops.exp(tensor(1, 2))
        return ops.sum(ops.tanh(ops.multiply(x, slope)))

    found = viz.diff(recorded(lambda: run(2.0), **options), recorded(lambda: run(2.5), **options))
    assert (found.first.op, found.first.role) == ("multiply", "output")
    assert found.first.by == ("values" if "values" in options else "statistics")
    assert found.first.error == pytest.approx(0.2, rel=1e-3)
    assert "multiply" in str(found)


def test_another_weight_is_told_as_such():
    a, b = step_of(mlp("a"), values=""), step_of(mlp("b"), values="")
    assert not viz.diff(a, b)
    model = mlp("c")
    trainer = Trainer(model)
    trainer.step()
    for i, weight in enumerate(model.weights):
        value = np.random.default_rng(i).normal(size=weight.shape).astype("float32")
        weight.assign(value + (weight.path == "c/head/kernel"))
    found = viz.diff(a, recorded(trainer.step, values=""))
    assert (found.first.role, found.first.name) == ("parameter", "c/head/kernel")
    assert [(w.kind, w.name, w.changed) for w in found.weights] == [("values", "c/head/kernel", 48)]


def test_a_recording_of_whatever_name_is_compared(tmp_path):
    """`viz run -o` takes any name."""
    t = recorded(lambda: ops.exp(tensor(1.0)))
    t.save(tmp_path / "a.efz")
    (tmp_path / "a.efz").rename(tmp_path / "a.txt")
    assert not viz.diff(str(tmp_path / "a.txt"), t)
    (tmp_path / "b.txt").write_text("no recording")
    with pytest.raises(ValueError, match=r"expected a file that ends in \.efz"):
        viz.diff(str(tmp_path / "b.txt"), t)


@pytest.mark.parametrize(
    ("a", "b", "error"),
    [
        ([1, 2], [1, 2], 0),
        ([1, 2], [1, 3], 1 / 3),
        ([np.nan], [np.nan], 0),
        ([np.inf], [np.inf], 0),
        ([np.nan, 1], [0, 1], np.inf),
        ([np.inf, 1], [-np.inf, 1], np.inf),
        ([], [], 0),
        ([0], [0], 0),
        ([0], [1e-30], 1),
        ([True], [False], 1),
    ],
)
def test_how_far_arrays_are_apart(a, b, error):
    assert arrays_apart(np.array(a), np.array(b))[0] == pytest.approx(error)


# ---------------------------------------------------------------------- steps


def test_two_steps_of_one_trace():
    trainer = Trainer()
    trainer.step()
    steps = recorded(lambda: [trainer.step(), trainer.step()], values="")
    found = viz.diff(steps, steps=(0, 1))
    assert not found.ops
    assert found.first.role == "parameter"
    assert len(found.pairs) == sum(op.step == 0 for op in steps.ops)


def test_traces_of_several_steps_are_compared_step_by_step():
    trainers = [Trainer(mlp(name)) for name in "ab"]
    traces = []
    for trainer, count in zip(trainers, (2, 4)):
        trainer.step()
        traces.append(recorded(lambda t=trainer, n=count: [t.step() for _ in range(n)]))
    found = viz.diff(*traces)
    assert not found.ops
    assert found.notes[0] == "steps 0–1 of both were compared; left out: steps 2–3 of the second"


def test_steps_are_compared_by_their_numbers():
    every, one, other = ([], [], [])
    for found, steps in ((every, None), (one, 3), (other, 1)):
        trainer = Trainer(mlp("net"))
        with viz.trace(stats="basic", steps=steps) as trace:
            for _ in range(5):
                trainer.step()
        found.append(trace)
    found = viz.diff(every[0], one[0])
    assert {every[0].ops[i].step for i, _ in found.pairs} == {3}
    assert found.notes == ["step 3 of both was compared; left out: steps 0–2, 4 of the first"]
    found = viz.diff(one[0], other[0])
    assert found.pairs
    assert found.notes == ["no step was recorded by both; compared by position: step 3 with step 1"]


@pytest.mark.parametrize("mark", [viz.step, contextlib.nullcontext])
def test_chosen_steps_are_compared_with_the_same_of_all_steps(mark):
    """A step inside of a marked one is a part of it; what ran between steps was recorded on one side only."""

    def run(**options):
        ef.utils.set_random_seed(0)
        model = net(layers.Dense(4))
        model.compile("sgd", "mse")
        with viz.trace(values="", **options) as trace:
            for i in range(5):
                with mark():
                    model.train_on_batch(np.full((2, 3), i, "float32"), np.ones((2, 3), "float32"))
                ops.exp(tensor(1))
        return trace

    every, some = run(), run(steps=(2, 3))
    assert [len(t.steps) for t in (every, some)] == [5, 2]
    found = viz.diff(every, some)
    assert not found
    assert found.compared
    assert {every.ops[i].step for i, _ in found.pairs} == {2, 3}
    assert found.notes == [
        "steps 2–3 of both were compared; left out: steps 0–1, 4 of the first",
        "5 ops outside of steps are left out: the second has only the steps that were chosen",
    ]


def test_a_step_can_be_compared_with_a_run_without_steps():
    trainer = Trainer(mlp("a"))
    trainer.step()
    with_step = recorded(trainer.step)
    model = mlp("b")
    model(trainer.x)
    forward_only = recorded(lambda: model(trainer.x))
    found = viz.diff(with_step, forward_only)
    assert {c.kind for c in found.ops} == {"removed"}
    assert len(found.pairs) == len(forward_only.ops)


# ---------------------------------------------------------------------- costs


def test_times_and_bytes_by_layer_and_op():
    a, b = (step_of(net(layers.Dense(units, name="wide"))) for units in (4, 400))
    found = viz.diff(a, b)
    wide = next(c for c in found.layers if c.name == "net/wide")
    assert wide.memory_b > wide.memory_a
    assert wide.time_a > 0
    assert wide.ops_a == wide.ops_b
    assert sum(c.ops_a for c in found.layers) == len(a.ops)
    assert sum(c.time_b for c in found.layers) == sum(op.duration for op in b.ops)
    assert {c.name for c in found.kinds} >= {"dense", "dense (backward)"}
    changes = [abs(c.time_b - c.time_a) for c in found.layers]
    assert changes == sorted(changes, reverse=True)
    assert "net/wide" in str(found)


# ---------------------------------------------------------------------- models and files


def built(units=4, name="m", extra=()):
    model = ef.Sequential([layers.Dense(units, activation="relu"), *extra, layers.Dense(2)], name=name)
    model.build((None, 3))
    for i, weight in enumerate(model.weights):
        weight.assign(np.random.default_rng(i).normal(size=weight.shape).astype("float32"))
    return model


def test_models_of_other_settings():
    found = viz.diff(built(4, "a"), built(5, "b"))
    assert any(line.endswith("units 4 → 5") for line in found.settings)
    assert {w.kind for w in found.weights} == {"shape"}
    assert "units 4 → 5" in str(found)


def test_models_with_other_layers():
    found = viz.diff(built(), built(extra=[layers.Dropout(0.5, name="drop")]))
    assert found.settings == ["layer drop (Dropout) added"]
    assert not found.weights


def test_models_with_other_weights():
    a, b = built(), built()
    kernel = b.layers[0].kernel.numpy()
    kernel[1, 2] += 10
    b.layers[0].kernel.assign(kernel)
    (change,) = viz.diff(a, b).weights
    assert (change.kind, change.changed) == ("values", 1)


def test_models_can_be_run_on_the_same_inputs():
    found = viz.diff(built(name="a"), built(5, name="b"), inputs=np.ones((2, 3), "float32"))
    assert found.settings
    assert {c.kind for c in found.ops} == {"changed"}
    assert found.recordings is not None


def test_an_unbuilt_model_is_noted():
    found = viz.diff(built(), ef.Sequential([layers.Dense(2)]))
    assert any("no weights yet" in note for note in found.notes)


@pytest.mark.parametrize("ending", [".keras", ".weights.h5", ".h5", ".safetensors"])
def test_files_of_weights(ending, tmp_path):
    model = built()
    paths = [str(tmp_path / f"{name}{ending}") for name in "ab"]
    save = model.save if ending == ".keras" else model.save_weights
    save(paths[0])
    assert not viz.diff(paths[0], paths[0])
    model.layers[1].kernel.assign(model.layers[1].kernel.numpy() + 1)
    save(paths[1])
    found = viz.diff(*paths)
    assert [w.kind for w in found.weights] == ["values"]
    assert found.kind == "weights"
    assert not viz.diff(model, paths[1])
    assert viz.diff(paths[0], model).weights[0].changed == 8


def test_files_of_other_formats_are_matched_by_shape(tmp_path):
    model = built()
    model.save_weights(tmp_path / "a.h5")
    model.save_weights(tmp_path / "a.weights.h5")
    found = viz.diff(str(tmp_path / "a.h5"), tmp_path / "a.weights.h5")
    assert not found.weights
    assert "matched by their order" in found.notes[0]


# ---------------------------------------------------------------------- the result


def test_long_lists_are_cut_in_the_text():
    a, b = (recorded(lambda n=n: [ops.exp(tensor(1)) for _ in range(n)]) for n in (1, 100))
    text = str(viz.diff(a, b))
    assert text.count("\n") < 40
    assert "+ exp ×99" in text
    shapes = [(2, n) for n in range(1, 21)]
    a, b = (recorded(lambda each=each: [ops.exp(np.ones(s, "float32")) for s in each]) for each in ([], shapes))
    text = str(viz.diff(a, b))
    assert "+ exp ×20" in text


def test_hostile_names_stay_in_their_lines():
    name = "<script>\n\x1b[31m" + "ä" * 10_000
    found = viz.diff(step_of(net(name="a")), step_of(net(layers.Dense(3, name=name), name="b")))
    assert "\x1b" not in str(found)
    assert max(map(len, str(found).splitlines())) < 400


def test_to_html_writes_the_page(tmp_path):
    found = viz.diff(built(name="a"), built(5, name="b"), inputs=np.ones((2, 3), "float32"))
    page = found.to_html(tmp_path / "a.html").read_text(encoding="utf-8")
    assert "</html>" in page
    assert '"kind":"changed"' in page


ERRORS = {
    "one thing": (lambda t, m: viz.diff(t), TypeError, "two things"),
    "a recording and a model": (lambda t, m: viz.diff(t, m), TypeError, "with a recording only"),
    "a number": (lambda t, m: viz.diff(t, 3), TypeError, "the second is int"),
    "an unknown ending": (lambda t, m: viz.diff("a.txt", t), ValueError, r"ends in \.efz"),
    "no such file": (lambda t, m: viz.diff("no.efz", t), FileNotFoundError, r"no\.efz"),
    "no such weights": (lambda t, m: viz.diff("no.keras", m), FileNotFoundError, r"no\.keras"),
    "no such step": (lambda t, m: viz.diff(t, steps=(0, 9)), ValueError, "has no steps"),
    "steps that are none": (lambda t, m: viz.diff(t, steps=3), ValueError, "numbers of two steps"),
    "steps of models": (lambda t, m: viz.diff(m, m, steps=(0, 1)), TypeError, "only recordings"),
    "inputs of recordings": (lambda t, m: viz.diff(t, t, inputs=1), TypeError, "two models"),
    "a page of models": (lambda t, m: viz.diff(m, built(5)).to_html("a.html"), ValueError, "inputs=x"),
    "a negative tolerance": (lambda t, m: viz.diff(t, t, tolerance=-1), ValueError, "number ≥ 0"),
    "a tolerance of another kind": (lambda t, m: viz.diff(t, t, tolerance="x"), ValueError, "number ≥ 0"),
}


@pytest.mark.parametrize("case", ERRORS)
def test_errors_for_wrong_arguments(case):
    run, kind, match = ERRORS[case]
    t, m = recorded(lambda: ops.exp(tensor(1))), built()
    with pytest.raises(kind, match=match):
        run(t, m)


# ---------------------------------------------------------------------- alignment


def longest(a, b):
    table = np.zeros((len(a) + 1, len(b) + 1), int)
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            table[i + 1, j + 1] = table[i, j] + 1 if x == y else max(table[i, j + 1], table[i + 1, j])
    return table[-1, -1]


def test_alignments_are_as_long_as_can_be():
    pick = random.Random(0)
    for _ in range(300):
        a, b = ([pick.randrange(3) for _ in range(pick.randrange(9))] for _ in range(2))
        pairs = align(a, b)
        assert all(a[i] == b[j] for i, j in pairs)
        assert all(x[0] < y[0] and x[1] < y[1] for x, y in itertools.pairwise(pairs))
        assert len(pairs) == longest(a, b)


def test_long_sequences_without_likeness_are_aligned_in_order():
    pick = random.Random(0)
    a, b = ([pick.randrange(50) for _ in range(5000)] for _ in range(2))
    pairs = align(a, b)
    assert len(pairs) > 100
    assert all(a[i] == b[j] for i, j in pairs)
    assert all(x[0] < y[0] and x[1] < y[1] for x, y in itertools.pairwise(pairs))


def test_recordings_of_10_000_ops():
    def chain(extra):
        x = tensor(1, 2)
        for i in range(5000):
            x = ops.add(x, 1.0)
            if extra and i % 1000 == 500:
                x = ops.tanh(x)
            x = ops.multiply(x, 0.5)

    a, b = (recorded(lambda e=e: chain(e), stats="basic") for e in (False, True))
    found = viz.diff(a, b)
    assert [c.op for c in found.ops] == ["tanh"] * 5
    assert len(found.pairs) == 10_000
    assert found.first.op == "multiply"


def test_weights_of_two_steps_are_matched_by_the_layers_that_read_them():
    net = ef.Sequential([ef.Input((4,)), ef.layers.Dense(8), ef.layers.Dense(1)])
    net.compile("sgd", "mse")
    x, y = np.ones((16, 4), "float32"), np.ones((16, 1), "float32")
    with viz.trace(values="") as t:
        net.fit(x, y, batch_size=4, verbose=0)
    found = viz.diff(t, steps=(0, 3)).weights
    assert {change.kind for change in found} == {"values"}
    shown = {f"net/{weight.path.split('/', 1)[1]}" for weight in net.weights}  # as in other tables
    assert {change.name for change in found} == shown
    assert not viz.diff(t, steps=(2, 2)).weights


def test_arrays_among_settings_are_written_as_tensors_are():
    assert _shown("bool[32, 64]") == "32×64 bool"
    assert _shown("same") == "'same'"
