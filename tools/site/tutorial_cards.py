"""The page that lists the tutorials: a card for each, with a picture that its program draws."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from typing import NamedTuple

from tools.site import docstrings, sections
from tools.site.cards import card, raw
from tools.site.tutorials import TUTORIALS, Tutorial, introduction, page_of, program_of

Output = dict[str, str]
FOLDER = "tutorials"  # of the pictures, below the static files
_IMAGE = re.compile(r'<img[^>]* src="data:image/svg\+xml;base64,([^"]+)"')
INTRODUCTION = """# Tutorials

Whole programs, each of fewer than 100 lines, explained piece by piece with all that they print and draw. Every one ran
when this site was built, in seconds or half a minute, and can be downloaded as a notebook. They need no data from
elsewhere: the networks are small, and what they teach holds for large ones, too. If you are new to Keras, begin with
the first."""


class Picture(NamedTuple):
    """A drawing for light and for dark pages; one that follows the page is the same twice."""

    light: str
    dark: str


def picture(shown: list[list[Output]]) -> Picture | None:
    """The last drawing of a program, or else the last picture within a page that it shows, such as curves.

    Args:
        shown: the outputs of each of its blocks.
    """
    outputs = [output for block in shown for output in block]
    drawn = [output for output in outputs if output["kind"] == "svg"]
    if drawn:
        return Picture(drawn[-1]["data"], drawn[-1].get("dark", drawn[-1]["data"]))
    found = next((match for output in reversed(outputs) if (match := _IMAGE.search(output["data"]))), None)
    if found is None:
        return None
    svg = base64.b64decode(found[1]).decode("utf-8")
    return Picture(svg, svg)


def files(pictures: dict[str, Picture]) -> Iterator[tuple[str, str]]:
    """The names of the pictures' files, and what is in them.

    Args:
        pictures: by the names of tutorials.
    """
    for name, (light, dark) in pictures.items():
        yield f"{name}_light.svg", light
        yield f"{name}_dark.svg", dark


def index(pictures: dict[str, Picture]) -> str:
    """The page, as Markdown.

    Args:
        pictures: by the names of tutorials.
    """
    parts, below = [INTRODUCTION], []
    for group in dict.fromkeys(tutorial.group for tutorial in TUTORIALS):
        cards = [_card(tutorial, tutorial.name in pictures) for tutorial in TUTORIALS if tutorial.group == group]
        parts += [f"## {group}", raw("\n".join(['<div class="cards pictured">', *cards, "</div>"]))]
        below.append(sections.toctree([page_of(tutorial) for tutorial in TUTORIALS if tutorial.group == group], group))
    return "\n\n".join([*parts, *below])


def _card(tutorial: Tutorial, has_picture: bool) -> str:
    place = f"../_static/{FOLDER}/{tutorial.name}"
    images = [
        f'<img class="only-{theme} dark-light" src="{place}_{theme}.svg" alt="" loading="lazy">'
        for theme in ("light", "dark")
        if has_picture
    ]
    said = docstrings.summary(introduction(program_of(tutorial)))
    return card(tutorial.name, tutorial.title, said, images)
