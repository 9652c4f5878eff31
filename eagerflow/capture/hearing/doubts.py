"""Why a run that was written down may not be the step: what only shows once it is over."""

from __future__ import annotations

from typing import Any

from eagerflow.capture.arguments.looking import telling_apart
from eagerflow.capture.dependence.called_again import set_for_the_step
from eagerflow.capture.hearing.handled import swallows
from eagerflow.capture.hearing.others import other_threads
from eagerflow.capture.hearing.unheard import unheard

__all__ = ["doubt", "flickered", "looks_for_others"]

_UNSTEADY = 3  # runs that don't count since something that the step depends on was changed, and changed back


def doubt(
    state: Any, made: Any, recorder: Any, guards: Any, held: Any, calls: Any
) -> tuple[str, tuple[str, int] | None] | None:
    """Why a run that was written down to its end can't be replayed all the same, and the line; None if it can."""
    if recorder.ended is not None:  # by draws that show only after the run
        return guards.unsure() or recorder.ended[0], None
    if recorder.watch.may_swallow is not None and swallows(calls.codes):
        return recorder.watch.may_swallow
    if (without_a_word := unheard(calls.codes)) is not None:
        why = guards.unsure()
        return without_a_word if why is None else (why, None)
    if recorder.has_arrays and (tells := telling_apart(calls.codes)) is not None:
        return tells
    if state.before is not None:
        shared = set_for_the_step(made.instructions, calls.inside, calls.outside, held)
        if shared is not None:
            return f"what replays call again may set {shared}, which the step reads", None
    return None


def looks_for_others(state: Any, recorder: Any, guards: Any) -> tuple[Any] | None:
    """Have a recorder look after each op, where another thread may change something.

    Returns:
        The version of the guards, None in it where nobody can tell that; None where there is no other thread.
    """
    if state.before is None or not other_threads():
        return None
    recorder.flicker = guards.changed_by_the_step
    return (guards.version(),)


def flickered(state: Any, recorder: Any, guards: Any, before: tuple[Any] | None) -> bool:
    """Whether something that the step depends on was changed during the run, and changed back.

    Args:
        state: counts the runs in which it may have been the step itself.
        recorder: has looked after each op.
        guards: what the step depends on.
        before: the version of the guards before the run; None where no other thread could have done it.
    """
    if before is None:
        return False
    if recorder.flickered is not None and guards.changed() is None:
        return True
    if state.unsteady == _UNSTEADY or before == (None,) or guards.version() == before[0]:
        return False
    state.unsteady += 1
    return True
