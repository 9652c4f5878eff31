"""Bytes that ops made: the same in all tables, in the picture and in the page."""

from __future__ import annotations

import json

import numpy
import pytest

import eagerflow as ef
import viz
from eagerflow import layers, ops
from viz.compare.step_figures import figures_of
from viz.facts.derived_stats import came_in, first_flaw, flaws, origins
from viz.facts.digest.made import Made
from viz.facts.gradient_passes import returned
from viz.facts.schema import Op, Record, Stats, TensorInfo
from viz.facts.tables import top
from viz.facts.tables.summary import rows
from viz.page.data import data

ROWS, WIDTH = 32, 64
NEW = ROWS * WIDTH * 4


def made_by_op(recording):
    made = Made(recording)
    return [(op.name, made.by(op)) for op in recording.ops]


def test_views_and_casts_to_the_same_type_make_nothing():
    x = ef.Tensor(numpy.ones((ROWS, WIDTH), "float32"))
    with viz.trace() as t:
        y = ops.exp(x)
        z = ops.reshape(ops.cast(y, "float32"), (WIDTH, ROWS))
        ops.transpose(z)
        ops.sum(y, axis=0)
    found = made_by_op(t)
    assert found[0] == ("exp", NEW)
    assert found[-1] == ("sum", WIDTH * 4)
    assert {size for _, size in found[1:-1]} == {0}


def test_a_part_of_a_new_array_counts_as_the_array_that_is_kept():
    with viz.trace() as t:
        kept = ops.get_item(ops.exp(ef.Tensor(numpy.ones((ROWS, WIDTH), "float32"))), 0)
    assert dict(made_by_op(t))["exp"] == NEW
    assert sum(size for _, size in made_by_op(t)) == NEW
    assert kept.shape == (WIDTH,)


def test_without_recorded_memory_sizes_stand_for_it():
    with viz.trace(memory=False) as t:
        ops.reshape(ops.exp(ef.Tensor(numpy.ones((ROWS, WIDTH), "float32"))), (-1,))
    assert [size for _, size in made_by_op(t)] == [NEW, NEW]


@pytest.fixture(scope="module")
def trained():
    x = numpy.random.default_rng(0).normal(size=(2 * ROWS, 8, 8)).astype("float32")
    dense = [ef.layers.Dense(16, activation="relu"), ef.layers.BatchNormalization(), ef.layers.Dense(3)]
    model = ef.Sequential([ef.layers.Flatten(), *dense])
    model.compile("sgd", ef.losses.SparseCategoricalCrossentropy(from_logits=True))
    with viz.trace() as t:
        model.fit(x, numpy.arange(2 * ROWS) % 3, batch_size=ROWS, epochs=1, verbose=0)
    return t


def test_tables_page_and_difference_say_the_same(trained, tmp_path):
    made = Made(trained)
    whole = made.by_all(trained.ops)
    for by in ("layer", "name", "source", "memory"):
        assert sum(row["memory"] for row in top.facts(trained, by, 1000)["rows"]) == whole
    assert sum(data(trained)["ops"]["made"]) == whole
    trained.to_perfetto(tmp_path / "t.json")
    events = json.loads((tmp_path / "t.json").read_text())["traceEvents"]
    assert sum(event["args"]["bytes"] for event in events if "in" in event.get("args", {})) == whole
    a_step = made.by_all(op for op in trained.ops if op.step == 1)
    assert figures_of(trained, frozenset([1])).single["memory"] == a_step
    layers = viz.diff(trained, trained).layers
    assert sum(cost.memory_b for cost in layers) == whole


def test_a_layer_that_gives_a_view_makes_no_activations(trained):
    found = [(row.name.strip(), row.activations) for row in rows(trained)]
    assert [made for name, made in found if name.startswith("flatten")] == [0]
    assert [made for name, made in found if name.startswith("dense")] == [ROWS * 16 * 4, ROWS * 3 * 4]


class Counted(list):
    """Tensors that count how many of them are looked at."""

    looks = 0

    def __getitem__(self, i):
        self.looks += 1
        return super().__getitem__(i)


def parts_of(record):
    """The parts of the kernel's gradient in each step."""
    found = {}
    for tensor in record.tensors:
        if tensor.gradient_of is not None and tensor.producer is not None and tensor.shape == (3, 3):
            found.setdefault(record.ops[tensor.producer].step, []).append(tensor)
    return found


def test_the_sum_of_each_step_is_found_behind_its_parts():
    layer, optimizer = layers.Dense(3, use_bias=False), ef.optimizers.SGD(0.1)
    with viz.trace(stats="basic") as t:
        for _ in range(3):
            with viz.step(), ef.GradientTape() as tape:
                loss = ops.mean(layer(layer(ops.ones((2, 3)))))
                weights = layer.trainable_variables
            optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights))
    found = [returned(t, parts) for _, parts in sorted(parts_of(t).items())]
    assert len({whole.id for whole in found}) == 3
    assert all(whole.producer is None for whole in found)


@pytest.mark.parametrize("phase", ["update", "forward"])
def test_nothing_is_searched_beyond_the_pass(phase):
    tensors = [TensorInfo(i, (3, 3), "float32", 36, "gradient", producer=i) for i in range(1000)]
    for part in tensors[:2]:
        part.gradient_of = 5000
    tensors.append(
        TensorInfo(1000, (3, 3), "float32", 36, "gradient", stats=Stats(), gradient_of=5000)
    )  # another pass'
    made = Counted(tensors)
    record = Record(ops=[Op(i, "matmul", phase="backward" if i < 2 else phase) for i in range(1000)], tensors=made)
    assert returned(record, tensors[:2]) is None
    assert made.looks < 5


def chain(*bad: int) -> Record:
    """Ops that each read what the one before made; the tensors in `bad` hold NaN. Tensor 0 comes from outside."""
    record = Record()
    for number in range(5):
        stats = Stats(nan=2, inf=1) if number in bad else Stats()
        record.tensors.append(
            TensorInfo(number, (4,), "float32", 16, producer=number - 1 if number else None, stats=stats)
        )
    record.ops = [Op(i, f"op{i}", inputs=(i,), outputs=(i + 1,)) for i in range(4)]
    return record


def test_an_origin_makes_what_it_did_not_read():
    assert origins(chain(2, 3)) == [1]
    assert origins(chain(1, 3)) == [0, 2]
    assert origins(chain()) == []


def test_the_first_flaw_is_an_origin_or_else_what_read_bad_data():
    record = chain(3, 4)
    assert first_flaw(record) == (record.ops[2], None)
    assert first_flaw(chain()) is None


def test_nan_that_came_in_is_blamed_before_what_is_made_of_finite_numbers():
    record = chain(0, 1, 3)
    assert first_flaw(record) == (record.ops[0], 0)
    assert came_in(record) == [0]


def with_infinity(record: Record, *bad: int) -> Record:
    for number in bad:
        record.tensors[number].stats = Stats(inf=3)
    return record


def test_infinity_that_came_in_is_blamed_where_it_leads_to_nan_or_to_the_end():
    assert came_in(with_infinity(chain(3), 0, 1, 2)) == [0]
    record = with_infinity(chain(), 0, 1, 2, 3, 4)
    assert came_in(record) == [0]
    assert first_flaw(record) == (record.ops[0], 0)


def test_infinity_that_does_no_harm_is_not_blamed():
    """That of a mask: softmax makes zeros of it."""
    record = with_infinity(chain(4), 0, 1)
    assert came_in(record) == []
    assert first_flaw(record) == (record.ops[3], None)


def test_a_backward_op_reads_what_its_forward_op_read_and_made():
    record = chain(0, 1, 3)
    record.ops[2].phase, record.ops[2].forward = "backward", 0
    assert origins(record) == []


def test_flaws_are_counted_where_there_are_statistics():
    assert flaws(chain(1).tensors[1]) == 3
    assert flaws(TensorInfo(0, (4,), "float32", 16)) == 0
