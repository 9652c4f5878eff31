"""What is known of layers and models while their calls go on: for a recording that is made in the middle of a step."""

from __future__ import annotations

import sys
from typing import Any

from eagerflow.layer.layer import Layer
from viz.recorder.capture import Capture
from viz.recorder.descriptions import about
from viz.recorder.names.kept_names import attribute_of, held_in_code

__all__ = ["describe_open"]


def describe_open(capture: Capture) -> None:
    """Let a capture's open scopes know their owners; when they end they are asked again, when all is built."""
    outer: list[Any] = []
    met: dict[int, dict[str, Any]] = {}
    for opened in capture.open:
        owner = opened.owner
        if owner is None or opened.kind == "backward":
            continue
        facts = capture.known_owner(owner) or met.get(id(owner))
        if facts is None:
            facts = met[id(owner)] = about(owner) | {"number": capture.next_owner()}
            if isinstance(owner, Layer) and capture.walk is not None:
                facts["attribute"] = attribute_of(owner, outer)
                if not any(isinstance(each, Layer) for each in outer):
                    facts["held"] = held_in_code(owner, sys._getframe(1))
        opened.facts = facts
        outer.append(owner)
