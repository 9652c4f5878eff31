"""Going through a step frame by frame, in a prompt."""

from __future__ import annotations

import cmd
import re
from collections.abc import Sequence
from typing import Any

from viz.replay.film import Frame

__all__ = ["Prompt"]

_HELP = """\
  n, Enter   the next op            b          the one before
  g NUMBER   go to a frame          /TEXT      the next whose op, layer or numbers have this text
  f, w       the first frame backward, and that of the updates
  nan        the first frame with NaN or infinity
  l          all frames, a line each
  q          leave"""


class Prompt(cmd.Cmd):
    """A prompt that shows one frame at a time."""

    def __init__(self, frames: Sequence[Frame], **files: Any) -> None:
        super().__init__(**files)
        self.use_rawinput = "stdin" not in files
        self.frames, self.at = frames, 0

    @property
    def prompt(self) -> str:  # type: ignore[override]
        """Where one is."""
        return f"({self.at + 1}/{len(self.frames)}) "

    def preloop(self) -> None:
        """Say what can be done, and show the first frame."""
        self._say("Step by step: n next, b back, g NUMBER, /TEXT, nan, l list, q leave, ? help.")
        self._show()

    def _say(self, text: str) -> None:
        print(text, file=self.stdout)

    def _show(self) -> None:
        frame = self.frames[self.at]
        mark = "  NaN or infinity" if frame.nonfinite else ""
        self._say(f"[{self.at + 1}] {frame.phase}{f'  {frame.layer}' if frame.layer else ''}{mark}\n{frame}")

    def _go(self, to: int) -> None:
        if 0 <= to < len(self.frames):
            self.at = to
            self._show()
        else:
            self._say("there is no further frame" if to > 0 else "this is the first frame")

    def _first(self, wanted: Any, what: str) -> None:
        found = next((i for i, frame in enumerate(self.frames) if wanted(frame)), None)
        if found is None:
            self._say(f"no frame is {what}")
        else:
            self._go(found)

    def emptyline(self) -> bool:
        self._go(self.at + 1)
        return False

    def onecmd(self, line: str) -> bool:
        if line.startswith("/"):
            return self._search(line[1:].strip())
        return bool(super().onecmd(line))

    def _search(self, text: str) -> bool:
        pattern = re.compile(re.escape(text), re.IGNORECASE)
        order = [*range(self.at + 1, len(self.frames)), *range(self.at + 1)]
        found = next((i for i in order if pattern.search(f"{self.frames[i].layer} {self.frames[i]}")), None)
        if found is None:
            self._say(f"no frame has {text!r}")
        else:
            self._go(found)
        return False

    def do_n(self, line: str) -> None:
        """The next op."""
        self._go(self.at + 1)

    def do_b(self, line: str) -> None:
        """The op before."""
        self._go(self.at - 1)

    def do_g(self, line: str) -> None:
        """Go to a frame by its number."""
        if line.strip().isdigit():
            self._go(int(line) - 1)
        else:
            self._say("which frame? such as: g 12")

    def do_f(self, line: str) -> None:
        """The first frame backward."""
        self._first(lambda frame: frame.phase == "backward", "backward")

    def do_w(self, line: str) -> None:
        """The first update of a weight."""
        self._first(lambda frame: frame.phase == "update", "an update")

    def do_nan(self, line: str) -> None:
        """The first frame with NaN or infinity."""
        self._first(lambda frame: frame.nonfinite, "NaN or infinite")

    def do_l(self, line: str) -> None:
        """All frames, a line each."""
        for i, frame in enumerate(self.frames):
            mark = "!" if frame.nonfinite else " "
            self._say(f"{i + 1:5}{mark} {frame.phase:8}  {frame.title}")

    def do_q(self, line: str) -> bool:
        """Leave."""
        return True

    do_EOF = do_q

    def do_help(self, arg: str) -> None:
        """What can be typed."""
        self._say(_HELP)

    def default(self, line: str) -> None:
        self._say(f"{line!r:.60} is none of these:\n{_HELP}")
