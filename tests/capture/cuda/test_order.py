"""The order of a step with CUDA graphs: draws first, assignments later, and never past what they may meet."""

from __future__ import annotations

import eagerflow as ef
from eagerflow.capture.cuda.order import gathered
from eagerflow.capture.programs.instructions import Call, Const, Group, Instruction, Read, Slot


class Computed(Instruction):
    def __init__(self, out, *taken):
        self.outs, self._taken = [out], taken

    def refs(self):
        return map(Slot, self._taken)


def call(kind, taken=(), outs=(), constants=(), kwargs=()):
    def function(*args, **kwargs):
        raise AssertionError("an order calls nothing")

    if kind:
        setattr(function, f"only_{kind}", True)
    args = Group(tuple, [*map(Slot, taken), *map(Const, constants)])
    named = Group(dict, [Const(value) for value in kwargs], [f"k{i}" for i in range(len(kwargs))])
    return Call(function, args, named, list(outs), list)


def order(*instructions, inputs=(0,)):
    """Where each of the instructions has come from."""
    found = gathered(instructions, inputs)
    assert len(found) == len(instructions)
    return [next(i for i, each in enumerate(instructions) if each is one) for one in found]


def test_draws_and_checks_of_arguments_come_first_in_their_order():
    computed = Computed(1, 0), Computed(3, 1)
    assert order(computed[0], call("draws", outs=[2]), computed[1], call("checks", taken=[0])) == [1, 3, 0, 2]


def test_a_draw_or_a_check_of_what_the_step_computes_stays():
    assert order(Computed(1, 0), call("draws", taken=[1], outs=[2])) == [0, 1]
    assert order(Computed(1, 0), call("checks", taken=[1]), Computed(2, 1)) == [0, 1, 2]


def test_a_draw_passes_no_other_call_that_draws():
    """Both may draw from one generator."""
    assert order(Computed(1, 0), call("draws", taken=[1], outs=[2]), call("draws", outs=[3])) == [0, 1, 2]
    assert order(Computed(1, 0), call("checks", taken=[1]), call("draws", outs=[3])) == [2, 0, 1]


def test_nothing_passes_a_call_that_may_do_anything():
    some = call("")
    assert order(Computed(1, 0), some, Computed(2, 1), call("draws", outs=[3])) == [0, 1, 3, 2]
    assert order(call("assigns", constants=[ef.Variable(1.0)]), Computed(1, 0), some, Computed(2, 0)) == [1, 0, 2, 3]


def test_assignments_come_later_in_their_order():
    mean, variance = ef.Variable(1.0), ef.Variable(1.0)
    first, second = (call("assigns", taken=[1], constants=[v]) for v in (mean, variance))
    assert order(Computed(1, 0), first, Computed(2, 1), second, Computed(3, 2)) == [0, 2, 4, 1, 3]


def test_an_assignment_passes_no_reading_of_its_variable():
    mean, other = ef.Variable(1.0), ef.Variable(1.0)
    assert order(call("assigns", constants=[mean]), Computed(1, 0), Read(mean, 2), Computed(3, 2)) == [1, 0, 2, 3]
    assert order(call("assigns", constants=[mean]), Computed(1, 0), Read(other, 2), Computed(3, 2)) == [1, 2, 3, 0]
    assert order(call("assigns", constants=[other], kwargs=[mean]), Computed(1, 0), Read(mean, 2)) == [1, 0, 2]
    nested = Call(
        call("assigns").function, Group(tuple, [Const(other), Group(list, [Const(mean)])]), Group(dict, []), [], list
    )
    assert order(nested, Computed(1, 0), Read(mean, 2)) == [1, 0, 2]


def test_an_assignment_that_names_no_variable_passes_no_reading():
    assert order(call("assigns"), Computed(1, 0), Read(ef.Variable(1.0), 2)) == [1, 0, 2]


def test_an_assignment_that_gives_something_stays():
    assert order(call("assigns", outs=[1]), Computed(2, 0)) == [0, 1]
