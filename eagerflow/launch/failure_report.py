"""Which failure was the first, in words."""

from __future__ import annotations

import signal
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

__all__ = ["Failure", "first_of", "of_end", "of_record"]


class Failure(NamedTuple):
    """Something that ends the job."""

    rank: int | None  # None where it is no single one
    cause: str  # in one line
    where: str = ""  # the user's line
    code: int = 1  # of the whole job
    kind: str = "raised"  # or "exited", "killed", "silent", "late", ...
    subject: str = ""  # who failed, in words, where the rank alone doesn't say it
    echo: bool = False  # it may well follow from another rank's failure
    certain: bool = True  # the rank itself reported it


def of_record(said: Mapping[str, Any]) -> Failure:
    """What a rank reported of its end."""
    code = int(said.get("code") or 1)
    subject = str(said.get("subject") or "")
    kind = str(said.get("how"))
    guilty = said.get("guilty")
    rank = int(guilty) if guilty is not None else None if subject else int(said["rank"])
    return Failure(rank, str(said["cause"]), str(said.get("where") or ""), code, kind, subject, kind == "echo")


def of_end(said: Mapping[str, Any]) -> Failure:
    """What the agent has seen of a rank's end, which wasn't a good one."""
    code = int(said["code"])
    rank = int(said["rank"])
    if code < 0:
        return Failure(rank, _killed(said, -code), code=128 - code, kind="killed", certain=False)
    cause = f"ended with code {code}, without an exception (os._exit, or a library's own exit)"
    return Failure(rank, cause, code=code, kind="exited", certain=False)


def _killed(said: Mapping[str, Any], number: int) -> str:
    peak, total = int(said.get("peak") or 0), int(said.get("total") or 0)
    words = f"was killed by signal {number} ({signal.Signals(number).name})"
    if number == signal.SIGKILL and total:
        full = "; the machine had no memory left?" if peak > 0.5 * total else ""
        words += f"; its peak was {_bytes(peak)} of {_bytes(total)}{full}"
    return words


def _bytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def first_of(failures: Sequence[Failure]) -> Failure:
    """The cause of all others: no echo, reported by the rank itself rather than observed, and the earliest."""
    told = {failure.rank for failure in failures if failure.certain}
    causes = [f for f in failures if f.certain or f.rank not in told]
    return min(causes, key=lambda failure: failure.echo)
