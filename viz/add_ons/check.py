"""`viz check SCRIPT`: before a training, whether it is set up so that it can learn."""

from __future__ import annotations

import argparse
import os
import sys

from viz.check.all_rows import NAMES, Checked, check_script
from viz.check.augmented_picture import picture
from viz.check.row import shown
from viz.doctor.facts.source_calls import later_fits
from viz.facts.json_data import json_text
from viz.picture.rendering.raster import write_picture
from viz.shell.output_files import check_chart
from viz.shell.printed import print_folded
from viz.shell.program import Script
from viz.shell.statuses import Impossible
from viz.shell.terminal import output_to_stderr, paint

__all__ = ["run_check"]


def run_check(options: argparse.Namespace) -> int:
    """Run `viz check`."""
    script = Script.of(options)
    check_chart(options.augmented)
    with output_to_stderr(options.json):
        checked = check_script(script)
    sys.stdout.flush()
    sys.stderr.flush()
    if options.json:
        print(_json(options.script, checked))
    elif checked.rows:
        _print(options.script, checked)
    if options.augmented and checked.augmented is not None:
        write_picture(options.augmented, picture(*checked.augmented))
        print(f"wrote {options.augmented}", file=sys.stderr)
    elif options.augmented:
        print("no layer of the model changes the data in training, so there is no picture", file=sys.stderr)
    if not checked.rows:
        raise Impossible(checked.stopped.why_no_step)
    return int(not (checked.sure if options.strict else checked.ok))


def _json(script: str, checked: Checked) -> str:
    rows = [row.to_dict() for row in checked.rows]
    data = {"script": script, "trains": bool(rows), "ok": checked.ok, "seconds": round(checked.seconds, 3)}
    data["failed"] = bool(checked.stopped.status)
    data |= {"judged": checked.judged, "others": checked.others} if checked.others else {}
    return json_text({**data, "rows": rows})


def _print(script: str, checked: Checked) -> None:
    how = {"fit": "fit", "batch": "train_on_batch", "loop": "a loop of its own"}.get(checked.kind)
    title = f"check: {os.path.basename(script)} trains by {how}; ended before its first step"
    if how is None:
        title = f"check: {os.path.basename(script)} trains with PyTorch; ended after its first steps"
    print()
    print_folded(title, "1;4")
    print()
    later = later_fits(checked.place) if checked.kind == "fit" and checked.place is not None else []
    if later:
        lines = f"line{'s' if len(later) > 1 else ''} {', '.join(map(str, later))}"
        print_folded(f"only the fit on line {checked.place.line} is looked at, not what follows on {lines}\n")
    if checked.others:
        others, several = ", ".join([repr(each) for each in checked.others]), len(checked.others) > 1
        unreached = any(row.evidence.get("unreached") for row in checked.rows)
        what = "inputs are checked, no step of its own" if unreached else "inputs and weights are checked"
        only = f"of {'these' if several else 'that'} only {what}; the other rows are about {checked.judged!r}"
        print_folded(f"the loop also calls {others}: {only}\n")
    print(shown(checked.rows, paint))
    counts = [sum(row.verdict == each for row in checked.rows) for each in ("ok", "fault", "open")]
    print(f"\n{counts[0]} ✓  {counts[1]} ✗  {counts[2]} –   in {checked.seconds:.1f} s")
    if how is None:
        asked = {row.name for row in checked.rows}
        print_folded(f"asked of eagerflow's models alone: {', '.join([each for each in NAMES if each not in asked])}")
    if checked.stopped.written:
        names = ", ".join([os.path.basename(each) for each in checked.stopped.written[:4]])
        more = f" and {len(checked.stopped.written) - 4} more" if len(checked.stopped.written) > 4 else ""
        print_folded(f"not kept: what the script wrote until then ({names}{more})")
