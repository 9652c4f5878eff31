"""An estimate as text: a table by batch size, the peak, and what would lower it."""

from __future__ import annotations

from typing import Any

from viz.estimate.custom_loop_timing import fits
from viz.estimate.estimates import Estimate, memory_of_machine
from viz.facts import formatting
from viz.facts.text_table import Text, table
from viz.picture.charts.lines import Chart, Line, line_charts

__all__ = ["advice", "picture", "text", "text_of_loop"]

_MUCH = 0.3  # of the peak: worth a piece of advice
_MB = 10**6
_UNSTEADY = 1.5
_OFF = 0.06  # as far as estimates were off, see docs/estimate.md
_OUTSIDE = {"(outside)": "no layer (weights, data, gradients of weights)"}


def text(estimate: Estimate) -> str:
    """The table, and sentences below it."""
    lines = []
    for rows in estimate.sizes():
        epochs = _long(estimate.epoch_seconds(rows)), _long(estimate.all_seconds(rows))
        measured = estimate.process(rows), estimate.arrays(rows), estimate.seconds(rows)
        lines.append(_cells(rows, *measured, *epochs, _marks(estimate, rows)))
    return _told(lines, _sentences(estimate))


def text_of_loop(facts: dict[str, Any]) -> str:
    """A line of a table, and sentences below it."""
    process, peak = facts["process_bytes"], facts["peak"]
    line = _cells(facts["batch_size"], process, facts["array_bytes"], facts["step_seconds"], "", "", "← the script's")
    sentences = [f"measured in {facts['steps']:,} steps of the loop, as the script makes them"]
    if not fits(facts):
        sentences.append(f"that doesn't fit into {_limit(facts['limit'], process is not None)}")
    sentences.append(f"the peak of arrays is in {peak['at']}; most of it was made in: {_most(peak['layers'])}")
    sentences.append(f"{facts['message']}; for another batch size, change the script's and run this again")
    return _told([line], sentences)


def _cells(rows: int | None, process: int | None, arrays: int, seconds: float | None, *others: str) -> list[str]:
    """A line of the table: what a batch size takes."""
    return [
        f"{rows:,}" if rows else "not known",
        "not known here" if process is None else formatting.nbytes(process),
        formatting.nbytes(arrays),
        "" if seconds is None else formatting.seconds(seconds * 1e9),
        *others,
    ]


def _told(lines: list[list[str]], sentences: list[str]) -> str:
    heads = ("batch", "peak of the process", "arrays in a step", "step", "epoch", "all epochs", "")
    told = [i for i, head in enumerate(heads) if not head or any(line[i] for line in lines)]  # a loop has no epochs
    shown = [[line[i] for i in told] for line in lines]
    body = table([heads[i] for i in told], shown, least="arrays in a step,all epochs,epoch")
    return str(Text.of([body, "", *sentences]))


def _most(layers: dict[str, int]) -> str:
    return ", ".join(
        [f"{_OUTSIDE.get(name, name)} {formatting.nbytes(size)}" for name, size in list(layers.items())[:3]]
    )


def picture(estimate: Estimate) -> str:
    """Memory and time by batch size, as an SVG document."""
    sizes = estimate.sizes()
    arrays = Line("arrays in a step", [(b, estimate.arrays(b) / _MB) for b in sizes])
    process = [(b, size / _MB) for b in sizes if (size := estimate.process(b)) is not None]
    limit = [] if estimate.limit is None else [Line("limit", [(b, estimate.limit / _MB) for b in sizes])]
    memory = [*([Line("process", process)] if process else []), arrays, *limit]
    times = Line("step", [(b, estimate.seconds(b) * 1e3) for b in sizes])
    row = Line("per row", [(b, estimate.seconds(b) * 1e3 / b) for b in sizes])
    charts = [Chart("memory", "batch size", "MB", memory), Chart("time", "batch size", "ms", [times, row])]
    return line_charts("memory and time by batch size", charts)


def _marks(estimate: Estimate, rows: int) -> str:
    marks = ["the script's"] if rows == estimate.rows else []
    marks += ["the largest that fits"] if rows == estimate.largest else []
    marks += ["doesn't fit"] if estimate.largest is not None and rows > estimate.largest else []
    return f"← {', '.join(marks)}" if marks else ""


def _long(seconds: float | None) -> str:
    """A time as people say it; empty where it isn't known.

    >>> _long(7500.0), _long(95.0), _long(3.21)
    ('2 h 5 min', '1 min 35 s', '3.2 s')
    """
    if seconds is None:
        return ""
    if seconds < 60:
        return formatting.seconds(seconds * 1e9)
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _limit(limit: int, of_process: bool) -> str:
    """The limit in words, with what it is held against."""
    whose = "the machine's memory" if limit == memory_of_machine() else "--limit"
    return f"{formatting.nbytes(limit)} ({whose}, for {'the whole process' if of_process else 'arrays'})"


def _sentences(estimate: Estimate) -> list[str]:
    large = estimate.measured[1]
    found = []
    if estimate.limit is not None:
        size = _limit(estimate.limit, large.process is not None)
        if estimate.largest == 0:
            found.append(f"nothing fits into {size}: what doesn't depend on the batch needs more than that")
        elif estimate.is_free:
            found.append(f"memory isn't what limits the batch: more than a million rows fit into {size}")
        elif estimate.largest == estimate.all_rows:
            found.append(f"all {estimate.all_rows:,} rows fit into {size} as one batch")
        else:
            found.append(f"the largest batch that fits into {size} has {estimate.largest:,} rows")
    found.append(
        f"{_row(estimate)}; weights take "
        f"{formatting.nbytes(estimate.weights)}, the optimizer's state {formatting.nbytes(estimate.optimizer)}"
    )
    found.append(
        f"the peak of arrays (with {large.rows:,} rows) is in {large.at}; most of it was made in: {_most(large.layers)}"
    )
    if estimate.data > _OFF * estimate.arrays(estimate.rows):
        found.append(
            f"the data of fit ({formatting.nbytes(estimate.data)}) are part of the process, and not of the arrays in a "
            "step: viz memory has them, too, once a step reads them"
        )
    small = estimate.measured[0]
    again = estimate.all_rows is not None and large.rows > estimate.all_rows
    taken = f" (the data's {estimate.all_rows:,}, repeated)" if again else ""
    found.append(f"measured at {small.rows:,} and {large.rows:,} rows{taken}; the rest lies on a line through both")
    process = estimate.process(estimate.rows)
    if estimate.limit and process is not None and abs(process / estimate.limit - 1) < _OFF:
        found.append(f"the limit is near: the process of a run may differ from these sizes by up to {_OFF:.0%}")
    if estimate.callbacks and estimate.epochs is not None:
        which = f"callback{'s' * (len(estimate.callbacks) > 1)} {', '.join(estimate.callbacks)}"
        found.append(f"times of epochs are without what the {which} take{'s' * (len(estimate.callbacks) == 1)}")
    spread = max(m.spread for m in estimate.measured)
    if spread > _UNSTEADY:
        found.append(
            f"the times of steps differed (by a factor of {spread:.1f}): other programs run here, so times are rough"
        )
    return [*found, *[f"→ {each}" for each in advice(estimate)]]


def _row(estimate: Estimate) -> str:
    """What one more row costs, in words."""
    arrays = formatting.nbytes(int(max(0.0, estimate.arrays_per_row)))
    if estimate.per_row < max(0.0, estimate.arrays_per_row) / 2:  # it grows into memory that the script had used before
        return f"one more row needs {arrays} of arrays, which fit into memory that the process had used before"
    return f"one more row costs {formatting.nbytes(int(max(0.0, estimate.per_row)))}"


def advice(estimate: Estimate) -> list[str]:
    """What would lower the peak, with how much it would."""
    rows = estimate.rows
    arrays = max(1, estimate.arrays(rows))
    share = rows / estimate.measured[1].rows
    found = []
    kept = {name: int(size * share) for name, size in estimate.measured[1].kept.items()}
    name = max(kept, key=lambda each: kept[each], default="")
    growing = max(0.0, estimate.per_row) * rows
    if name and kept[name] > _MUCH / 2 * arrays and kept[name] > _MB:
        found.append(
            f"to keep less for the backward pass, make {name} within `with ef.RematScope(mode='full'):`, and its "
            f"{formatting.nbytes(kept[name])} are computed again instead"
        )
    if growing > _MUCH * arrays and growing > _MB and rows > 1:
        found.append(
            f"batches of {max(1, rows // 2)} rows save {formatting.nbytes(int(growing / 2))}; with "
            "gradient_accumulation_steps=2 in the optimizer updates stay those of the whole batch"
        )
    if estimate.optimizer > _MUCH * arrays and estimate.optimizer > _MB:
        found.append(
            f"the optimizer keeps {formatting.nbytes(estimate.optimizer)}: SGD keeps nothing, Adafactor and Lion less"
        )
    before = estimate.before or 0
    process = estimate.process(rows) or 0
    if before > 0.95 * process and process > 300 * _MB:
        found.append("the peak is reached before training: read the data in parts, or map their file (numpy.memmap)")
    return found
