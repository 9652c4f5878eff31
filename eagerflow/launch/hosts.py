"""Machines, and how many ranks each gets."""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["Host", "in_words", "parse_hosts", "shared_out", "without"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\]")


class Host(NamedTuple):
    """A machine, and the number of its ranks; None: not said."""

    name: str
    ranks: int | None = None


def parse_hosts(text: str) -> list[Host]:
    """The machines of `a,b:8,[::1]:2`.

    Names go to ssh, so nothing is let through that isn't plainly a name.

    Raises:
        ValueError: for anything else, with the part that is wrong.

    >>> parse_hosts("a,b.example:8")
    [Host(name='a', ranks=None), Host(name='b.example', ranks=8)]
    """
    found: list[Host] = []
    for part in text.split(","):
        name, colon, count = part.rpartition(":") if re.search(r":\d*$", part) and "]" != part[-1:] else (part, "", "")
        if not _NAME.fullmatch(name) or (colon and (not count or int(count) < 1)):
            raise ValueError(
                f"--hosts: {part!r:.60} isn't a machine. Expected names as ssh knows them, of letters, digits, '.', "
                "'-' and '_', with a number of ranks behind a colon where it isn't 1, such as a,b:8."
            )
        if name in [host.name for host in found]:
            raise ValueError(f"--hosts: {name!r} stands there twice. Say {name}:2 for two ranks on it.")
        found.append(Host(name, int(count) if colon else None))
    return found


def shared_out(hosts: list[Host], ranks: int | None) -> list[Host]:
    """How many ranks each machine gets: what was said, and of the rest equally many each, the first ones one more.

    Raises:
        ValueError: where they don't fit.

    >>> shared_out([Host("a"), Host("b")], 5)
    [Host(name='a', ranks=3), Host(name='b', ranks=2)]
    """
    if ranks is None:
        return [Host(host.name, host.ranks or 1) for host in hosts]
    said = sum(host.ranks or 0 for host in hosts)
    open_ = [host for host in hosts if host.ranks is None]
    left = ranks - said
    if not open_ and left > 0:
        raise ValueError(f"-n {ranks}: --hosts has room for {said} ranks only. Raise the numbers behind the colons.")
    found: list[Host] = []
    for host in hosts:
        if host.ranks is None:
            each, more = divmod(max(left, 0), len(open_))
            count = each + (int(open_.index(host) < more))
        else:
            count = min(host.ranks, max(ranks - sum(h.ranks or 0 for h in found), 0))
        found.append(Host(host.name, count))
    return [host for host in found if host.ranks]


def without(hosts: list[Host], lost: set[str], fewer: set[str]) -> list[Host]:
    """The machines that are left: without the lost ones, and with one rank less on those where ranks were killed."""
    kept = [Host(h.name, (h.ranks or 1) - int(h.name in fewer)) for h in hosts if h.name not in lost]
    return [host for host in kept if host.ranks]


def in_words(hosts: list[Host]) -> str:
    """As mpiexec takes them: `a:2,b:8`."""
    return ",".join(f"{host.name}:{host.ranks or 1}" for host in hosts)
