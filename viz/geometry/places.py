"""Where things are in a picture: boxes, titles of frames, and all of a layout."""

from __future__ import annotations

import dataclasses

__all__ = ["APART", "HEADER", "OFF_TITLES", "PAD", "SAME", "TRACK", "TRACKS", "Layout", "Piece", "Rect", "Title"]

TRACK = 8.0  # from one way to the next beside it, and from a way to a box: the unit of most other lengths
TRACKS = 6  # for so many ways beside each other there is room
APART = 3 * TRACK  # between boxes that stand side by side, and between arrows that end or begin so
PAD = 14.0  # around what is in a frame
SAME = 0.5  # what is nearer to each other is one place

HEADER = 2 * TRACK  # height of a line of a frame's title
OFF_TITLES = 6.0  # how far arrows keep off titles: nearer ones would underline them


@dataclasses.dataclass
class Rect:
    """A box: its left and top edge, width and height."""

    x: float
    y: float
    w: float
    h: float

    @property
    def middle(self) -> tuple[float, float]:
        """The centre."""
        return self.x + self.w / 2, self.y + self.h / 2


@dataclasses.dataclass
class Title:
    """The title of a frame: where it stands, and its lines, the first of them in bold type."""

    at: Rect
    lines: list[str]
    bold: int = 1

    def baselines(self) -> list[tuple[str, float, float, bool]]:
        """Each line with its baseline, the size of its type, and whether it is bold."""
        return [
            (text, self.at.y + HEADER * (i + 0.8), 12 if i < self.bold else 10, i < self.bold)
            for i, text in enumerate(self.lines)
        ]


@dataclasses.dataclass
class Piece:
    """What goes on of a frame in another column of a picture, with a title that says so where there is room."""

    at: Rect
    title: Title | None


@dataclasses.dataclass
class Layout:
    """Where everything is: boxes by node id, frames and their titles by cluster id, and the size of the whole.

    Where a picture is drawn in columns, `pieces` has what goes on of a frame in later ones.
    """

    nodes: dict[str, Rect] = dataclasses.field(default_factory=dict)
    frames: dict[str, Rect] = dataclasses.field(default_factory=dict)
    titles: dict[str, Title] = dataclasses.field(default_factory=dict)
    width: float = 0.0
    height: float = 0.0
    pieces: dict[str, list[Piece]] = dataclasses.field(default_factory=dict)

    def everything(self) -> list[Rect]:
        """All rectangles."""
        return [*self.nodes.values(), *self.frames.values(), *[title.at for title in self.titles.values()]]

    def titles_of(self, frame: str) -> list[Title]:
        """The title of a frame, and those of its pieces."""
        return [self.titles[frame], *[piece.title for piece in self.pieces.get(frame, ()) if piece.title]]

    def add(self, other: Layout, x: float, y: float) -> None:
        """Take in what was laid out for itself, at a place."""
        for rect in other.everything():
            rect.x, rect.y = rect.x + x, rect.y + y
        self.nodes |= other.nodes
        self.frames |= other.frames
        self.titles |= other.titles
