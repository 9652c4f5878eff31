"""What was found in all trainings of a script, and in which of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from viz.doctor.causes import in_order, order_of
from viz.doctor.finding import SEVERITIES, Finding
from viz.doctor.trainings.training import Training

__all__ = ["together"]


def together(trainings: Sequence[Training], of_script: Sequence[Finding]) -> tuple[Finding, ...]:
    """The worst first, causes before what they explain; of several trainings, each finding says where it is so.

    What was found on the same line in several of them, as in the folds of a cross-validation, is one finding.
    """
    some = [training for training in trainings if training.step or training.found]
    found = [list(training.found.copy().values()) for training in some]
    if len(some) < 2:
        return in_order([*of_script, *(found[0] if found else ())])
    whole = {(f.rule, f.message) for f in of_script}
    groups: dict[Any, list[tuple[Finding, int]]] = {}
    for i, own in enumerate(found):
        for finding in in_order([*of_script, *own]):
            if finding.kind == "too_few_steps" and any(some[i].sources & other.sources for other in some[i + 1 :]):
                continue  # later trainings go on with its weights
            at = (finding.file, finding.line) if finding.file else (finding.layer, finding.message)
            groups.setdefault((finding.rule, *at), []).append((finding, i))
    shown = []
    for group in groups.values():
        finding = min(group, key=lambda each: (each[0].because is not None, SEVERITIES.index(each[0].severity)))[0]
        if (finding.rule, finding.message) not in whole:
            numbers = list(dict.fromkeys(i for _, i in group))
            about = {**finding.evidence, "trainings": [i + 1 for i in numbers]}
            finding = replace(finding, message=f"{finding.message} ({_which(some, numbers)})", evidence=about)
        shown.append(finding)
    return tuple(sorted(shown, key=order_of))


def _which(trainings: Sequence[Training], numbers: Sequence[int]) -> str:
    """In which of the trainings, in words: by their numbers, lines and models, where these tell them apart."""
    count = len(trainings)
    if len(numbers) == count:
        return f"in all {count} trainings"
    of_line = [_line(training, trainings) for training in trainings]
    lines = list(dict.fromkeys(of_line[i] for i in numbers if of_line[i]))
    where = f"line{'s' if len(lines) > 1 else ''} {_and(lines)}" if lines else ""
    model = f"model {trainings[numbers[0]].model!r}" if len(numbers) == 1 and trainings[numbers[0]].model else ""
    more = ", ".join([words for words in (where, model) if words])
    named = f"training{'s' if len(numbers) > 1 else ''} {_and([str(i + 1) for i in numbers])} of {count}"
    return f"{named}: {more}" if more else named


def _line(training: Training, all_of_them: Sequence[Training]) -> str:
    """The line of its `fit` or loop; where a function holds it that all use, the line that calls the function."""
    place, outer = training.place, training.outer
    if place is None:
        return ""
    shared = sum(other.place == place for other in all_of_them) > 1
    return str(outer.line if shared and outer is not None and outer.file == place.file else place.line)


def _and(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
