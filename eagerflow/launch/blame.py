"""Which failure was the first, in words."""

from __future__ import annotations

import signal
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

__all__ = ["Failure", "first_of", "of_end", "of_record"]


class Failure(NamedTuple):
    """Something that ends the job.

    Attributes:
        rank: whose; None where it is nobody's, or that of several.
        subject: whose, in words, where the rank alone doesn't say it.
        cause: in one line.
        where: the user's line.
        code: of the whole job.
        kind: "raised", "exited", "killed", "silent", "late", "lost", ...
        echo: it may well follow from another rank's failure.
        certain: it was told by the rank itself.
    """

    rank: int | None
    cause: str
    where: str = ""
    code: int = 1
    kind: str = "raised"
    subject: str = ""
    echo: bool = False
    certain: bool = True


def of_record(said: Mapping[str, Any]) -> Failure:
    """What a rank has told of its end."""
    code = int(said.get("code") or 1)
    subject = str(said.get("subject") or "")
    kind = str(said.get("how"))
    guilty = said.get("guilty")
    rank = int(guilty) if guilty is not None else None if subject else int(said["rank"])
    return Failure(rank, str(said["cause"]), str(said.get("where") or ""), code, kind, subject, kind == "echo")


def of_end(said: Mapping[str, Any]) -> Failure | None:
    """What the agent has seen of a rank's end; None for a good one."""
    code = int(said["code"])
    if code == 0:
        return None
    last = said.get("last") or {}
    where, rank = str(last.get("place") or ""), int(said["rank"])
    if code < 0:
        return Failure(rank, _killed(said, -code), where, 128 - code, "killed", certain=False)
    cause = f"ended with code {code}, without an exception (os._exit, or a library's own exit)"
    return Failure(rank, cause, where, code, "exited", certain=False)


def _killed(said: Mapping[str, Any], number: int) -> str:
    peak, total = int(said.get("peak") or 0), int(said.get("total") or 0)
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = "unknown"
    words = f"was killed by signal {number} ({name})"
    if number == signal.SIGKILL and total:
        full = "; the machine had no memory left?" if peak > 0.5 * total else ""
        words += f"; its peak was {_bytes(peak)} of {_bytes(total)}{full}"
    return words


def _bytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def first_of(failures: Sequence[Failure]) -> Failure:
    """The cause of all others: what isn't an echo, what was told before what was seen, and what came first."""
    told = {failure.rank for failure in failures if failure.certain}
    causes = [f for f in failures if f.certain or f.rank not in told]
    return min(enumerate(causes), key=lambda item: (item[1].echo, item[0]))[1]
