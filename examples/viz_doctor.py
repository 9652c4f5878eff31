"""The pictures of docs/doctor: numbers of what is found in its examples. `viz_doctor.py --out pictures`."""

from __future__ import annotations

import argparse
import math
import re
import tempfile
from pathlib import Path

from eagerflow.utils import set_random_seed
from viz.doctor import KINDS, Finding
from viz.doctor.watched_script import examine
from viz.picture.charts.bars import Bar, bars

PAGES = Path(__file__).parents[1] / "docs" / "doctor"
EXAMPLE = re.compile(r"^```python doctor\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXAMPLES = {kind: code for kind in KINDS for code in EXAMPLE.findall((PAGES / f"{kind}.md").read_text("utf-8"))[:1]}

ROWS = {  # what is drawn: how a number is called here, and its name in the evidence or a usual value
    "nonfinite": [("all values", "size"), ("infinite", "inf"), ("NaN", "nan")],
    "loss_mismatch": [("largest probability", 1), ("largest output", "high")],
    "label_range": [("largest label that fits", 1), ("largest label", "highest")],
    "broadcast": [("labels", "labels"), ("differences", "result")],
    "no_gradient": [("steps", "steps"), ("steps with a gradient", 0)],
    "opposed_updates": [("weights of one optimizer", "weights"), ("of another one, too", "shared")],
    "callback_mismatch": [("the best epoch", "best"), ("the one that is taken for it", "taken")],
    "hidden_softmax": [("a usual unit", 1), ("a unit of the softmax", "mean")],
    "lr_too_high": [("loss at first", "first_loss"), ("loss in the end", "last_loss")],
    "lr_too_low": [("usual update / weights", 1e-3), ("largest update / weights", "largest_update")],
    "exploding_gradient": [("usual norm", 1), ("norm", "first")],
    "dead_relu": [("units", "units"), ("dead", "dead")],
    "constant_output": [("rows that differ", "rows"), ("different outputs", 1)],
    "saturated": [("usual share at the ends", 0.05), ("share at the ends", "share")],
    "batchnorm_misuse": [("usual rows in a batch", 32), ("rows in a batch", 1)],
    "unscaled_input": [("usual size", 1), ("size of the inputs", "rms")],
    "unscaled_target": [("mean of the targets", "target"), ("mean of the answers", "answer")],
    "memory_growth": [("one step", "bytes_per_step"), ("kept so far", "kept")],
    "dtype_upcast": [("bytes of float32", 4), ("bytes of float64", 8)],
    "overfit": [("training loss", "loss"), ("best validation loss", "best_val_loss"), ("validation loss", "val_loss")],
    "loss_sign": [("of the network's answers", "now"), ("of perfect answers", "perfect")],
    "softmax_axis": [("the axis of classes", 1), ("the softmax' axis", "axis")],
    "attention_mask": [("rows with padding", "rows"), ("rows of which no word is seen", "blind")],
    "channels_first": [("colours, on axis 1", "colours"), ("taken for colours", "taken")],
    "initial_weights": [("usual size × √inputs", 1), ("size × √inputs", "ratio")],
    "frozen": [("steps", "steps"), ("weights that changed", 0)],
    "penalty_dominates": [("loss of the data", "data_loss"), ("penalty", "penalty")],
    "augmentation": [("unchanged data", 1), ("correlation with them", "correlation")],
    "linear_stack": [("layers", "pairs"), ("that count as", 1)],
    "bottleneck": [("outputs", "outputs"), ("units before them", "units")],
    "class_imbalance": [("share of the class", "share"), ("recall of the others", "recall_of_others")],
    "not_learning": [("loss of a constant answer", "constant_answer"), ("loss of the network", "loss")],
    "stopped_early": [("epochs asked for", "asked"), ("epochs", "epochs")],
    "label_leak": [("the next column", "of_others"), ("correlation with the label", "correlation")],
    "validation_overlap": [("expected by chance", "chance"), ("rows that are known", "overlap")],
    "validation_mismatch": [("expected by chance", "usual"), ("classes' shares, apart", "apart")],
    "validation_chance": [("training", "loss"), ("one answer", "constant_answer"), ("validation", "best_val_loss")],
    "sorted_rows": [("share of the largest class", "usual"), ("share of a class in a batch", "share")],
    "dropout_high": [("differences between rows", 1), ("what dropout changes", "noise")],
    "dropout_idle": [("calls on the way to the loss", "calls"), ("that drop anything", "dropped")],
    "class_loss": [("gradient of a crossentropy", 1), ("of a difference, where sure and wrong", 0)],
    "too_few_steps": [("loss at first", "first"), ("later", "third"), ("in the end", "last")],
    "unreset_metric": [("epochs", "epochs"), ("that the metric began at 0", "resets")],
    "shuffled_apart": [("arrays", 2), ("that are shuffled", 1)],
    "slow_input": [("computing, ms", "step_ms"), ("waiting, ms", "wait_ms")],
    "slow_op": [("a whole step", 1), ("this line", "share")],
}


def found(kind: str, source: str, folder: Path) -> Finding:
    """The finding that an example gets, with the same numbers each time."""
    set_random_seed(0)
    (script := folder / f"{kind}.py").write_text(source, encoding="utf-8")
    return next(finding for finding in examine(str(script)).diagnosis if finding.kind == kind)


def chart(finding: Finding) -> str:
    """Its numbers as bars; the last one is what is wrong."""
    evidence = finding.evidence | {"kept": finding.evidence.get("bytes_per_step", 0) * finding.evidence.get("steps", 0)}
    rows, drawn = ROWS.get(finding.kind) or list(evidence["sizes"].items())[::-1], []
    for i, (name, value) in enumerate(rows):
        number = evidence[value] if isinstance(value, str) else value
        number = math.prod(number[:2]) if isinstance(number, list) else number  # a shape: as many numbers
        drawn.append(Bar(name, float(number), f"{number:.3g}", marked=i == len(rows) - 1))
    return bars(finding.kind, drawn, linear=None)


def main(out: Path, kinds: tuple[str, ...] = tuple(EXAMPLES)) -> None:
    for kind in kinds:
        with tempfile.TemporaryDirectory() as folder:
            finding = found(kind, EXAMPLES[kind], Path(folder))
        (out / f"doctor_{kind}.svg").write_text(chart(finding), encoding="utf-8")
        print(f"{kind}: {finding.message}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("pictures"), help="the folder for pictures")
    (out := parser.parse_args().out).mkdir(parents=True, exist_ok=True)
    main(out)
