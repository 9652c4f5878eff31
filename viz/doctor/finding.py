"""What the doctor finds: one `Finding` per thing that is wrong, with the numbers that prove it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from viz.facts.json_data import finite

__all__ = ["KINDS", "SEVERITIES", "Finding"]

SEVERITIES = ("error", "warning", "info")

KINDS = tuple(
    """
    nonfinite loss_mismatch label_range broadcast no_gradient lr_too_high exploding_gradient dead_relu
    constant_output vanishing_gradient saturated batchnorm_misuse unscaled_input memory_growth lr_too_low
    dtype_upcast overfit slow_input slow_op
    """.split()
)
"""All kinds of findings, roughly causes before their consequences: the order in which they are shown."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, or could be better.

    Attributes:
        kind: one of `KINDS`.
        severity: `"error"` (this can't learn what was meant), `"warning"` (it learns badly), `"info"` (worth a look).
        message: what is wrong, in plain words, with the numbers that prove it.
        fix: what to do about it.
        layer: the name of the guilty layer, or None.
        op: the name of the guilty op, or None.
        file: the file of the user's code where the guilty op or layer was written, or None.
        line: the line there, counted from 1, or None.
        evidence: measured numbers, by name.
    """

    kind: str
    severity: str
    message: str
    fix: str
    layer: str | None = None
    op: str | None = None
    file: str | None = None
    line: int | None = None
    evidence: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.kind not in KINDS or self.severity not in SEVERITIES:
            raise ValueError(f"Finding({self.kind!r}, {self.severity!r}): no such kind or severity")

    @property
    def where(self) -> str:
        """`file:line`, which terminals and editors make clickable; empty where it isn't known."""
        return f"{self.file}:{self.line}" if self.file else ""

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; numbers that aren't finite become text."""
        order = ("kind", "severity", "message", "layer", "op", "file", "line", "evidence", "fix")
        data = finite(asdict(self))
        return {name: data[name] for name in order}
