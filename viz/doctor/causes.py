"""Which findings explain others: the cause is shown first, what follows from it is no more than a hint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from viz.doctor.finding import KINDS, OF_RANKS, SEVERITIES, Finding

__all__ = ["in_order", "order_of"]

_FROM_THE_START = ("loss_mismatch", "initial_weights", "unscaled_input", "augmentation")
_OF_VALIDATION = ("validation_mismatch", "validation_chance")
_OF_TIME = OF_RANKS[1:]
_OF_TARGETS = ("exploding_gradient.percent", "unscaled_target.gradients")
_OF_ZEROS = ("nonfinite.divide", "nonfinite.log")
_OF_SINGLE_ROWS = ("dead_relu", "constant_output", "no_gradient", "lr_too_high")
_BY_CLASS = ("sorted_rows", "sorted_rows.batches")  # so the bias grows until one class is all that is answered
_OF_DROPOUT = ("dropout_high", "dropout_idle")
_NO_CAUSES = (
    "not_learning",
    "callback_mismatch",
    *_OF_DROPOUT,
    "class_loss",
    "too_few_steps",
    "unreset_metric",
    "label_leak",
    *_OF_VALIDATION,
    *_OF_TIME,
)
# What a rate is not to blame for: with any other, the loss would go the same way.
_OF_LOSS = ("loss_sign", "opposed_updates", "broadcast", "softmax_axis")
_ANYTHING = tuple(kind for kind in KINDS if kind not in _NO_CAUSES)

# What each symptom may come from, the likeliest first.
_CAUSES: dict[str, tuple[str, ...]] = {
    "loss_mismatch": ("dropout_high",),
    "nonfinite": ("dropout_high", "loss_mismatch", "lr_too_high", "loss_sign"),
    "lr_too_high": (
        *_OF_LOSS,
        "unscaled_target",
        "exploding_gradient",
        "nonfinite",
        "loss_mismatch",
        "label_range",
        "unscaled_input",
        "initial_weights",
        "batchnorm_misuse",
    ),
    "unscaled_input": ("augmentation",),
    "exploding_gradient": ("loss_sign", "initial_weights", "unscaled_input", "lr_too_high"),
    "lr_too_low": ("callback_mismatch", "softmax_axis", "initial_weights"),
    "vanishing_gradient": ("hidden_softmax", "initial_weights", "saturated", "vanishing_gradient"),
    "frozen": ("softmax_axis", "attention_mask", "vanishing_gradient", "lr_too_low"),
    "no_gradient": (
        "batchnorm_misuse",
        "initial_weights",
        "unscaled_input",
        "lr_too_high",
        "dead_relu",
        "constant_output",
    ),
    "dead_relu": (
        "batchnorm_misuse",
        "label_range",
        "initial_weights",
        "unscaled_input",
        "constant_output",
        "lr_too_high",
        "sorted_rows",
    ),
    "saturated": ("loss_sign", *_FROM_THE_START, "lr_too_high"),
    "constant_output": (
        "loss_sign",
        "batchnorm_misuse",
        "attention_mask",
        *_FROM_THE_START,
        "label_range",
        "lr_too_high",
        "dead_relu",
        "saturated",
        "vanishing_gradient",
        "sorted_rows",
    ),
    "label_range": ("loss_mismatch",),
    "broadcast": ("loss_mismatch",),
    "class_imbalance": (
        "constant_output",
        "loss_mismatch",
        "label_range",
        "initial_weights",
        "unscaled_input",
        "lr_too_high",
    ),
    "not_learning": (*_ANYTHING, "dropout_high"),
    "validation_mismatch": ("validation_mismatch",),
    "overfit": ("validation_mismatch", "shuffled_apart"),
    "validation_chance": ("validation_mismatch", "shuffled_apart"),
    "label_leak": ("attention_mask",),
    "stopped_early": ("loss_mismatch", "label_range", "lr_too_high", "lr_too_low", "unscaled_input"),
}
# Those of them that are listed above an unusual rate, which they don't explain.
_ABOVE_RATE = tuple(kind for kind in KINDS[: KINDS.index("lr_too_high")] if kind in _CAUSES["lr_too_high"])


def in_order(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """The worst first, causes before their symptoms; a symptom whose cause was found is a hint that names it.

    A cause is as severe as the worst of what it explains. So is what may make a loss grow beside an unusually high
    learning rate: it is listed above the rate, which may be to blame as well.
    """
    explained = {id(f): cause for f in findings if (cause := _cause(f, findings)) is not None}
    high_rate = any(f.kind == "lr_too_high" and f.severity == "error" and id(f) not in explained for f in findings)
    shown = []
    for finding in findings:
        cause = explained.get(id(finding))
        if cause is not None:
            shown.append(replace(finding, severity="info", because=cause.kind))
            continue
        worst = [SEVERITIES.index(f.severity) for f in findings if explained.get(id(f)) is finding]
        if high_rate and finding.kind in _ABOVE_RATE and finding.severity == "warning":
            worst.append(SEVERITIES.index("error"))
        severity = SEVERITIES[min([SEVERITIES.index(finding.severity), *worst])]
        shown.append(finding if severity == finding.severity else replace(finding, severity=severity))
    return tuple(sorted(shown, key=order_of))


def _cause(symptom: Finding, findings: Sequence[Finding]) -> Finding | None:
    """The finding that explains another one: a warning or an error, which nothing else explains in turn."""
    for kind in _CAUSES.get(symptom.kind, ()):
        for finding in findings:
            if (
                finding.kind == kind
                and finding.severity != "info"
                and finding is not symptom
                and _fits(finding, symptom)
            ):
                deeper = _cause(finding, findings)
                return finding if deeper is None else deeper
    return None


def _fits(cause: Finding, symptom: Finding) -> bool:
    """Could this one have made that one?"""
    if cause.kind == "batchnorm_misuse" and symptom.kind in _OF_SINGLE_ROWS:
        return cause.rule.endswith(".ones") and _of_single_rows(cause, symptom)
    if symptom.kind == "label_leak":  # who sees what comes after sees the label
        return (cause.rule, symptom.rule) == ("attention_mask.upside_down", "label_leak.ahead")
    if cause.kind == "dropout_high" and symptom.kind == "not_learning":
        return cause.rule == "dropout_high"
    if cause.kind == "dropout_high":  # of the outputs: rows that don't sum to 1, or whose sum is 0
        return cause.rule == "dropout_high.outputs" and (symptom.rule in _OF_ZEROS or _of_range(symptom, cause.layer))
    if cause.kind == "sorted_rows" and symptom.kind != "not_learning":
        return cause.rule in _BY_CLASS and symptom.evidence.get("from_start") is False
    if cause.kind == "label_range" and symptom.kind == "dead_relu":
        return symptom.layer is not None and cause.layer == symptom.layer  # labels below 0 silence the last one
    if symptom.kind == "unscaled_input":  # a layer for pixels up to 255 adds as much to those up to 1
        return symptom.rule == "unscaled_input" and "value_range" in cause.message
    if symptom.rule == "constant_output.data":  # what the rows are is no doing of the network
        return cause.rule == "unscaled_input.zeros"
    if cause.rule == "unscaled_input.zeros":
        return symptom.kind in ("not_learning", "constant_output", "dead_relu", "class_imbalance", "no_gradient")
    if cause.kind == "constant_output" and symptom.kind == "dead_relu":
        return cause.rule == "constant_output.data"
    if cause.kind == "unscaled_input" and _below_1(cause):  # too small an input blows nothing up
        return symptom.kind in ("not_learning", "constant_output", "dead_relu")  # units have little but their bias
    if symptom.kind == cause.kind == "validation_mismatch":
        return _same_validation(cause, symptom)
    if symptom.kind == cause.kind:  # what lies before much padding is far away for the gradient, too
        return symptom.rule == "vanishing_gradient" != cause.rule
    if symptom.kind == "vanishing_gradient" and symptom.rule != "vanishing_gradient":
        return False  # padding is no doing of the weights
    if (cause.kind, symptom.kind) == ("loss_mismatch", "nonfinite"):  # logits whose sum is 0, in that very loss
        place = cause.file, cause.line
        return (
            cause.rule.startswith("loss_mismatch.logits")
            and symptom.rule in _OF_ZEROS
            and place == (symptom.file, symptom.line)
        )
    if "nonfinite" in (cause.kind, symptom.kind):
        return _from_nonfinite(cause, symptom)
    if symptom.kind == "frozen":
        return symptom.rule == "frozen.rounded"
    if cause.kind == "callback_mismatch":
        return (cause.rule, symptom.rule) == ("callback_mismatch.mode", "lr_too_low.faded")
    if symptom.rule in _OF_TARGETS:
        return False  # the targets are its cause, and stay as they are when something else is mended
    if symptom.kind == "no_gradient":
        if cause.kind == "constant_output":
            return symptom.rule == "no_gradient" and symptom.evidence.get("gradient") != "None"
        if symptom.rule != "no_gradient":
            return False
        return symptom.evidence.get("gradient") != "None"
    if cause.kind == "exploding_gradient" and cause.rule not in _OF_TARGETS:
        return symptom.kind == "not_learning"
    if symptom.kind == "lr_too_high":
        return not symptom.evidence.get("unusual", True)
    return cause.rule.endswith("one_unit") if (cause.kind, symptom.kind) == ("loss_mismatch", "label_range") else True


def _from_nonfinite(cause: Finding, symptom: Finding) -> bool:
    """What comes from outside is a cause; NaN that training makes is none."""
    if cause.kind == "lr_too_high" and _of_a_chance(symptom):
        return False  # at lower rates answers get as certain, later
    rule = (cause if cause.kind == "nonfinite" else symptom).rule
    return rule.endswith((".data", ".columns", ".constant")) == (cause.kind == "nonfinite")


def _of_a_chance(nonfinite: Finding) -> bool:
    """Is it the logarithm of a chance of exactly 0, as softmax and sigmoid give it for answers that are certain?

    Where the logarithm was finite and its gradient isn't, the chance is the smallest number that there is.
    """
    if nonfinite.rule == "nonfinite.log" and nonfinite.evidence.get("direction") == "backward":
        return True
    low, _, high = str(next(iter(nonfinite.evidence.get("inputs", ())), "")).partition(" to ")
    return nonfinite.rule == "nonfinite.log" and low == "0" and high in ("", "1")


def _of_single_rows(ones: Finding, symptom: Finding) -> bool:
    """Does it follow from a normalization that gives 0 for whatever it is given, or from the loss of single rows?"""
    if symptom.kind in ("dead_relu", "constant_output"):
        return True
    silent = ones.severity == "error"  # of pictures, a single one has positions that differ
    blocked = symptom.rule == "no_gradient" and symptom.evidence.get("gradient") != "None"
    return silent and (blocked or not symptom.evidence.get("unusual", True))


def _same_validation(cause: Finding, symptom: Finding) -> bool:
    """Are these two findings on the same validation rows, of which the first says more?"""
    same = (cause.file, cause.line) == (symptom.file, symptom.line)  # once column by column
    return same and (cause.rule, symptom.rule) == ("validation_mismatch.prepared", "validation_mismatch.scale")


def _below_1(inputs: Finding) -> bool:
    """Are these inputs too small, not too large?"""
    highest = inputs.evidence.get("highest", 1.0)
    return max(abs(inputs.evidence.get("lowest", highest)), abs(highest)) < 1.0


def _of_range(mismatch: Finding, layer: str | None) -> bool:
    """Is it that outputs of this layer are no probabilities?"""
    return mismatch.rule.startswith("loss_mismatch.logits") and mismatch.layer == layer is not None


def order_of(finding: Finding) -> tuple[int, int]:
    """Where a finding stands among others: by its severity, then causes before what they explain."""
    return SEVERITIES.index(finding.severity), KINDS.index(finding.kind)
