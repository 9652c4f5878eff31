"""What the doctor finds to be an error is told in the terminal, too: nobody may be looking at the page."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
from typing import Any

from eagerflow.base.output import write
from viz.shell.commands import part
from viz.shell.terminal import paint

__all__ = ["ToldErrors"]


class ToldErrors:
    """Writes a line for the first error of each kind, in the words of `viz doctor`."""

    def __init__(self) -> None:
        self._kinds: set[str] = set()

    def hear(self, findings: Sequence[Any]) -> None:
        """Tell what is new."""
        for finding in findings:
            if finding.severity == "error" and finding.kind not in self._kinds:
                self._kinds.add(finding.kind)
                _say(finding)


def _say(finding: Any) -> None:
    stream = sys.stderr
    if stream is None:  # a program without a console
        return
    with contextlib.suppress(OSError, ValueError):  # a terminal that was closed is no reason to end the page
        begin = "\n" if stream.isatty() else ""  # a progress bar may stand in the line
        words = part("finding_line")(finding, lambda words, code: paint(words, code, stream))
        write(f"{begin}doctor: {words} (more in the page's tab Doctor)\n", stream)
