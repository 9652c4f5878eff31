"""Machines, and how many ranks each gets."""

from __future__ import annotations

import re
from argparse import ArgumentTypeError
from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["Host", "in_words", "parse_hosts", "shared_out", "without"]

_HOST = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\])(?::0*([1-9][0-9]*))?")


class Host(NamedTuple):
    """A machine, and the number of its ranks; None: not said."""

    name: str
    ranks: int | None = None


def parse_hosts(text: str) -> list[Host]:
    """The machines of `a,b:8,[::1]:2`; an ArgumentTypeError for anything else, since names go to ssh.

    >>> parse_hosts("a,b.example:8")
    [Host(name='a', ranks=None), Host(name='b.example', ranks=8)]
    """
    found: list[Host] = []
    for part in text.split(","):
        match = _HOST.fullmatch(part)
        if match is None:
            raise ArgumentTypeError(
                f"{part!r:.60} isn't a machine. Expected names as ssh knows them, of letters, digits, '.', "
                "'-' and '_', with a number of ranks behind a colon where it isn't 1, such as a,b:8."
            )
        name, count = match.groups()
        if name in [host.name for host in found]:
            raise ArgumentTypeError(f"{name!r} stands there twice. Say {name}:2 for two ranks on it.")
        found.append(Host(name, int(count) if count else None))
    return found


def shared_out(hosts: list[Host], ranks: int | None) -> list[Host]:
    """How many ranks each machine gets: its number, and machines without one share the others equally.

    >>> shared_out([Host("a"), Host("b")], 5)
    [Host(name='a', ranks=3), Host(name='b', ranks=2)]
    """
    if ranks is None:
        return [Host(host.name, host.ranks or 1) for host in hosts]
    said, open_ = sum(host.ranks or 0 for host in hosts), sum(host.ranks is None for host in hosts)
    left, room = ranks, max(ranks - said, 0)
    if not open_ and room:
        raise ValueError(f"-n {ranks}: --hosts has room for {said} ranks only. Raise the numbers behind the colons.")
    found: list[Host] = []
    for host in hosts:
        count = host.ranks
        if count is None:
            count = -(-room // open_)  # the first ones get one more where they can't be divided equally
            room, open_ = room - count, open_ - 1
        count = min(count, left)
        left -= count
        found += [Host(host.name, count)] * (count > 0)
    return found


def without(hosts: list[Host], lost: set[str], fewer: set[str]) -> list[Host]:
    """The machines that are left: without the lost ones, and with one rank less on those where ranks were killed."""
    kept = [Host(h.name, (h.ranks or 1) - int(h.name in fewer)) for h in hosts if h.name not in lost]
    return [host for host in kept if host.ranks]


def in_words(hosts: Sequence[Host]) -> str:
    """As mpiexec takes them: `a:2,b:8`."""
    return ",".join(f"{host.name}:{host.ranks or 1}" for host in hosts)
