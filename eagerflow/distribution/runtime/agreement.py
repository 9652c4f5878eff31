"""Ranks compare what must be equal on all of them, before they train: the first difference is everybody's error."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy

from eagerflow.base.tracebacks import warn
from eagerflow.base.typing import Array
from eagerflow.core.device import to_host
from eagerflow.core.variable import Variable
from eagerflow.distribution.runtime.communicator import Communicator

__all__ = ["DisagreementError", "agree", "ranks_named", "same_values"]

_ABSENT = "nothing"


class DisagreementError(RuntimeError):
    """Ranks of one training differ in what must be equal. It is raised on all of them, with the same text."""

    on_all_ranks = True


def agree(communicator: Communicator, description: Mapping[str, str], where: str = "fit", hint: str = "") -> None:
    """Compare a description of what is about to happen with those of all other ranks. Collective.

    Args:
        communicator: of these ranks.
        description: what must be equal, by a name that a user understands: `{"dense_1/kernel": "(128, 10) float32"}`.
            Its order is the order in which differences are looked for.
        where: what was called, for the message.
        hint: what to do about it.

    Raises:
        DisagreementError: on all ranks, with the first name that differs, and each value with its ranks.

    >>> from eagerflow.distribution.runtime.communicator import Communicator
    >>> agree(Communicator(), {"rows": "1000", "optimizer": "Adam"})
    """
    everyone = communicator.gather_objects(dict(description))
    names = dict.fromkeys(name for one in everyone for name in one)
    differing = [name for name in names if len({one.get(name, _ABSENT) for one in everyone}) > 1]
    if not differing:
        return
    values = [one.get(differing[0], _ABSENT) for one in everyone]
    more = f" {len(differing) - 1} more differ: {', '.join(differing[1:6])}." if len(differing) > 1 else ""
    raise DisagreementError(
        f"{where}: all ranks must run the same program on the same data, but {differing[0]} differs: "
        f"{_by_value(values, communicator.hosts)}.{more}{' ' * bool(hint)}{hint}"
    )


def _by_value(values: Sequence[str], hosts: Sequence[str]) -> str:
    """Every value with the ranks that have it, rank 0's last: it is what others are held against."""
    ranks: dict[str, list[int]] = {}
    for rank, value in enumerate(values):
        ranks.setdefault(value, []).append(rank)
    ordered = sorted(ranks.items(), key=lambda item: (0 in item[1], item[1]))
    return ", ".join(f"{ranks_named(numbers, hosts)}: {value}" for value, numbers in ordered)


def ranks_named(numbers: Sequence[int], hosts: Sequence[str] = ()) -> str:
    """Ranks as words, with the machine of a single one.

    >>> ranks_named([1]), ranks_named([0, 2]), ranks_named([1], ["a", "b"]), ranks_named(range(20))
    ('rank 1', 'ranks 0, 2', 'rank 1 (host b)', 'ranks 0, 1, 2, 3, 4, 5 and 14 more')
    """
    if len(numbers) == 1:
        return f"rank {numbers[0]}" + (f" (host {hosts[numbers[0]]})" if hosts else "")
    more = f" and {len(numbers) - 6} more" if len(numbers) > 6 else ""
    return f"ranks {', '.join(map(str, numbers[:6]))}{more}"


def same_values(communicator: Communicator, variables: Sequence[Variable], what: str = "weights") -> list[str]:
    """Give all ranks the values of rank 0 where a rank has others; a warning on rank 0 says so. Collective.

    The variables must have been compared by `agree`: as many on all ranks, of equal shapes and types.

    Returns:
        The paths of those that differed.
    """
    if communicator.size == 1:
        return []
    digests = b"".join(hashlib.blake2b(_bytes(v.data), digest_size=16).digest() for v in variables)
    everyone = communicator.gather_objects(digests)
    if len(set(everyone)) == 1:
        return []
    differing = []
    for place, variable in enumerate(variables):
        here = slice(16 * place, 16 * place + 16)
        if len({one[here] for one in everyone}) > 1:
            value = numpy.array(to_host(variable.data), order="C")
            communicator.broadcast(value)
            variable.assign(value)
            differing.append(variable.path)
    if communicator.rank == 0:
        others = [rank for rank, one in enumerate(everyone) if one != everyone[0]]
        warn(
            f"{what} of {ranks_named(others)} had other values than those of rank 0 ({len(differing)} of "
            f"{len(variables)}, the first is {differing[0]}): all take rank 0's."
        )
    return differing


def _bytes(array: Array) -> Any:
    return numpy.ascontiguousarray(to_host(array)).reshape(-1).view("uint8")
