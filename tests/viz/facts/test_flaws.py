"""Where NaN and infinity came from, by a recording's statistics."""

from __future__ import annotations

from viz.facts.flaws import came_in, first_flaw, flaws, origins
from viz.facts.schema import Op, Record, Stats, TensorInfo


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
