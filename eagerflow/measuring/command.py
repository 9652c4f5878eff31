"""`python -m eagerflow measure`: how fast this processor is, kept for this user's programs to choose kernels by."""

from __future__ import annotations

from collections.abc import Callable

from eagerflow.cli.statuses import failed
from eagerflow.kernels.machine import speeds as kept
from eagerflow.kernels.machine.processor import processor
from eagerflow.kernels.machine.speeds import Speeds, derived
from eagerflow.measuring.speeds import measured

__all__ = ["measure"]


def measure(off: bool = False, quiet: bool = False) -> int:
    """Measure and keep it; the exit code.

    Args:
        off: forget what was measured here instead.
        quiet: print nothing but faults.
    """
    say: Callable[[str], object] = (lambda text: None) if quiet else print
    try:
        if off:
            kept.path().unlink(missing_ok=True)
        else:
            found = measured()
            file = kept.keep(found)
    except OSError as error:
        return failed("measure", f"{kept.path()} can't be written ({error.strerror or error})")
    if off:
        say("The measured speeds are forgotten. Programs choose kernels by what is usual for processors of this kind.")
        return 0
    say(processor())
    say(_table(found))
    say(f"Programs choose kernels by these figures from now on ({file}).")
    say("To stop that: python -m eagerflow measure --off")
    return 0


def _table(found: Speeds) -> str:
    """Each figure, and what it usually is."""
    told = {name.replace("_", " "): pair for name, pair in zip(Speeds._fields, zip(found, derived()))}
    lines = [f"  {name:<14} {mine:>10,.1f} {usual:>10,.1f}" for name, (mine, usual) in told.items()]
    return "\n".join([f"  {'of one thread':<14} {'here':>10} {'usually':>10}", *lines])
