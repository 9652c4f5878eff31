"""`viz draw FILE`: draw a picture of a training step."""

from __future__ import annotations

import argparse

from viz.command.models import opened
from viz.facts.digest.shown_step import shown_position
from viz.facts.selection import count_of_steps, last_step, step_name, step_numbers
from viz.shell.output_files import check_picture, default_name, replaces

__all__ = ["run_draw"]


def run_draw(options: argparse.Namespace) -> int:
    """Run `viz draw`."""
    out = options.out or default_name(options.file, ".svg")
    check_picture(out)
    instead = replaces(out, options.out is not None)
    recording = opened(options)
    at = shown_position(recording, options.step)
    drawing = recording.draw(
        out,
        depth=options.depth,
        color_by=options.color_by,
        collapse_repeats=not options.all_repeats,
        max_nodes=options.max_nodes,
        step=options.step,
        parts=options.parts,
    )
    boxes, arrows = len(drawing.graph.nodes), len(drawing.graph.edges)
    closed = drawing.graph.caption.rpartition("closed to")[1:]  # which the picture says, too
    more = f"; {''.join(closed)}. To open more: --max-nodes {4 * options.max_nodes}" if closed[0] else ""
    which = f"; it shows {step_name(recording, at)}" if at is not None and count_of_steps(recording) > 1 else ""
    if which and at is not None and options.step is None:
        is_last = step_numbers(recording)[at] == last_step(recording)[0]
        usual = "" if is_last else "the last complete one of the usual batch size; "
        which += f" ({usual}--step N for another)"
    print(f"wrote {out}{instead}: {boxes} boxes, {arrows} arrows{which}{more}")
    return 0
