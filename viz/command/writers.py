"""`viz tensorboard`, `viz perfetto` and `viz json`: a recording as files for other programs."""

from __future__ import annotations

import argparse
import errno
import os

from viz.command.models import opened
from viz.export import json_file, tensorboard_graph, tensorboard_scalars
from viz.shell.output_files import check_target, default_name, replaces

__all__ = ["run_json", "run_perfetto", "run_tensorboard"]


def run_tensorboard(options: argparse.Namespace) -> int:
    """Run `viz tensorboard`."""
    out = options.out or os.path.join("runs", default_name(options.file, ""))
    if os.path.isfile(out):
        raise FileExistsError(errno.EEXIST, "it is a file, and TensorBoard reads folders; give the name of one", out)
    others = ", next to what was there" if os.path.isdir(out) and os.listdir(out) else ""
    if tensorboard_scalars.earlier_files(out):
        others = ", in place of what an earlier export wrote there"
    recording = opened(options)  # all of it, as curves and trainings need
    folder = recording.to_tensorboard(out)
    steps, most = len(recording.steps), tensorboard_graph.MOST_STEPS
    left = f" (curves of all {steps:,} steps, times of {most} in the Graphs tab)" if steps > most else ""
    print(f"wrote {folder}{others}{left}; look with: tensorboard --logdir {folder}")
    return 0


def run_perfetto(options: argparse.Namespace) -> int:
    """Run `viz perfetto`."""
    out = options.out or default_name(options.file, ".perfetto.json")
    instead = replaces(out, options.out is not None)
    path = opened(options).to_perfetto(out)
    print(f"wrote {path}{instead}; open it at https://ui.perfetto.dev")
    return 0


def _is_ours(path: str) -> bool:
    """Is a file one that `viz json` made? A script's settings may be called like it, too."""
    with open(path, "rb") as file:
        return file.read(len(json_file.BEGINS)) == json_file.BEGINS


def run_json(options: argparse.Namespace) -> int:
    """Run `viz json`."""
    if options.out == "-":
        print(opened(options).to_json())
        return 0
    out = options.out or default_name(options.file, ".json")
    check_target(out, may_stream=True)
    instead = replaces(out, options.out is not None)
    if instead and not _is_ours(out):
        raise FileExistsError(errno.EEXIST, "it is there and isn't made by viz json; give another name", out)
    opened(options).to_json(out)
    print(f"wrote {out}{instead}")
    return 0
