"""`viz data SCRIPT`: the samples of a training, the hardest first."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module

from viz.facts.json_data import json_text
from viz.frameworks import observing
from viz.recorder.listening import Listening
from viz.reports.page import write_page
from viz.samples.loss_tracking import Gatherer
from viz.samples.page import page
from viz.samples.row_keys import HOLDS
from viz.samples.sample_set import Samples
from viz.samples.scoring import judged
from viz.shell.output_files import check_target
from viz.shell.printed import print_folded
from viz.shell.program import Script
from viz.shell.script_runner import run_script
from viz.shell.statuses import DONE, FOUND, INTERRUPTED, Impossible, ended, unanswered
from viz.shell.terminal import output_to_stderr, paint

__all__ = ["run_data"]

_NOTHING = (
    "no step of eagerflow or PyTorch in this thread trained a model by a Loss (such as losses.MeanSquaredError() or "
    "nn.MSELoss()); a loss that a plain function computes can't be divided among samples"
)
_TORCH = "viz.samples.torch_batches"  # loaded where a program uses PyTorch
_REMARKABLE = ("label likely wrong", "another label", f"  {HOLDS}")


def run_data(options: argparse.Namespace) -> int:
    """Run `viz data`."""
    script = Script.of(options)
    check_target(options.html, ("html", "htm"))
    gatherer = Gatherer()
    listening = Listening.to(gatherer, elsewhere=lambda: Listening.to(import_module(_TORCH).Batches(gatherer)))
    with output_to_stderr(options.json):
        _, failed = run_script(script, observing(listening))
    gathering = gatherer.chosen()
    if gathering is None:
        why = gatherer.notes or [f"{ended(failed)} before it trained" if failed else _NOTHING]
        return _without_samples(f"there are no samples to judge: {why[0]}", options.json, failed)
    notes = [*gatherer.notes, *([f"{ended(failed)}; these are the samples until then"] if failed else [])]
    samples = judged(gathering, options.pictures if options.html else min(options.n, 50), options.seconds, notes)
    if options.html:
        write_page(options.html, page(samples))
    following = "" if samples.is_ranked else script.rerun("nonfinite")
    if options.json:
        print(json_text({**samples.to_dict(), "next": following or None, "failed": bool(failed)}))
    else:
        _print(samples, options, following)
    if failed:
        return unanswered("viz data", ended(failed), failed)  # a note has told which samples these are
    if samples.is_ranked:
        return DONE
    return FOUND if samples.broken else unanswered("viz data", f"no sample holds NaN or infinity; {samples.order}")


def _print(samples: Samples, options: argparse.Namespace, following: str) -> None:
    sys.stdout.flush()
    print()
    for line in str(samples.text(options.n)).splitlines():
        print(paint(line, "31") if any(word in line for word in _REMARKABLE) else line)
    if options.html:
        print(f"wrote {options.html}")
    if following:
        print_folded(f"next: {following}")
    sys.stdout.flush()


def _without_samples(why: str, as_json: bool, failed: int) -> int:
    """Say why there are none, and give the status of that."""
    if as_json:
        print(json_text({"samples": [], "notes": [why], "failed": bool(failed)}))
    if failed in INTERRUPTED:
        print(f"\nviz data: {why}", file=sys.stderr)
        return failed
    raise Impossible(why)
