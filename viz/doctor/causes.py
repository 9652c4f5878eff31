"""Which findings explain others: the cause is shown first, what follows from it is no more than a hint."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from viz.doctor.finding import KINDS, OF_RANKS, SEVERITIES, Finding

__all__ = ["in_order", "order_of"]

_OF_ZEROS = ("nonfinite.divide", "nonfinite.log")
_OF_SMALL = ("not_learning", "constant_output", "dead_relu")  # of inputs so small that units have little but a bias
_NO_CAUSES = (
    *"not_learning callback_mismatch dropout_high dropout_idle class_loss too_few_steps unreset_metric".split(),
    *"label_leak validation_mismatch validation_chance".split(),
    *OF_RANKS[1:],
)
_FROM_START = "loss_mismatch initial_weights unscaled_input augmentation"

# What each symptom may come from, the likeliest first.
_CAUSES: dict[str, list[str]] = {
    symptom: causes.split()
    for symptom, causes in {
        "loss_mismatch": "dropout_high",
        "nonfinite": "dropout_high loss_mismatch lr_too_high loss_sign",
        "lr_too_high": (  # the first four would make the loss go the same way at any rate
            "loss_sign opposed_updates broadcast softmax_axis unscaled_target exploding_gradient nonfinite "
            "loss_mismatch label_range unscaled_input initial_weights batchnorm_misuse"
        ),
        "unscaled_input": "augmentation",
        "exploding_gradient": "loss_sign initial_weights unscaled_input lr_too_high",
        "lr_too_low": "callback_mismatch softmax_axis initial_weights",
        "vanishing_gradient": "hidden_softmax initial_weights saturated vanishing_gradient",
        "frozen": "softmax_axis attention_mask vanishing_gradient lr_too_low",
        "no_gradient": "batchnorm_misuse initial_weights unscaled_input lr_too_high dead_relu constant_output",
        "dead_relu": (
            "batchnorm_misuse label_range initial_weights unscaled_input constant_output lr_too_high sorted_rows"
        ),
        "saturated": f"loss_sign {_FROM_START} lr_too_high",
        "constant_output": (
            f"loss_sign batchnorm_misuse attention_mask {_FROM_START} label_range lr_too_high dead_relu saturated "
            "vanishing_gradient sorted_rows"
        ),
        "label_range": "loss_mismatch",
        "broadcast": "loss_mismatch",
        "class_imbalance": "constant_output loss_mismatch label_range initial_weights unscaled_input lr_too_high",
        "not_learning": " ".join([*[kind for kind in KINDS if kind not in _NO_CAUSES], "dropout_high"]),
        "validation_mismatch": "validation_mismatch",
        "overfit": "validation_mismatch shuffled_apart",
        "validation_chance": "validation_mismatch shuffled_apart",
        "stopped_early": "loss_mismatch label_range lr_too_high lr_too_low unscaled_input",
    }.items()
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
    """Could this one have made that one? The first condition for the two that says anything decides."""
    for of_cause, of_symptom, holds in _CONDITIONS:
        if of_cause in ("", cause.kind, cause.rule) and of_symptom in ("", symptom.kind, symptom.rule):
            answer = holds(cause, symptom)
            if answer is not None:
                return answer
    return True


def _from_nonfinite(cause: Finding, symptom: Finding) -> bool:
    """What comes from outside is a cause; NaN that training makes is none."""
    if cause.kind == "lr_too_high" and _of_a_chance(symptom):
        return False  # at lower rates answers get as certain, later
    rule = (cause if cause.kind == "nonfinite" else symptom).rule
    return rule.endswith((".data", ".columns", ".constant")) == (cause.kind == "nonfinite")


def _of_a_chance(nonfinite: Finding) -> bool:
    """Is it the logarithm of a chance of exactly 0, as softmax and sigmoid give it for answers that are certain?

    Where the logarithm was finite and its gradient isn't, the chance is next to 0. So is what a root is taken of.
    """
    low, _, high = str(next(iter(nonfinite.evidence.get("inputs", ())), "")).partition(" to ")
    certain = nonfinite.evidence.get("direction") == "backward" or (low == "0" and high in ("", "1"))
    return nonfinite.rule in ("nonfinite.log", "nonfinite.sqrt") and certain


def _same_place(cause: Finding, symptom: Finding) -> bool:
    return (cause.file, cause.line) == (symptom.file, symptom.line)


def _by_logits(cause: Finding) -> bool:
    """Are a layer's outputs no chances?"""
    return cause.rule.startswith("loss_mismatch.logits")


def _below_1(inputs: Finding) -> bool:
    """Are these inputs too small, not too large?"""
    highest = inputs.evidence.get("highest", 1.0)
    return max(abs(inputs.evidence.get("lowest", highest)), abs(highest)) < 1.0


def _unusual(rate: Finding) -> bool:
    return bool(rate.evidence.get("unusual", True))


def _is_silent(ones: Finding) -> bool:
    """Does a normalization of single rows give nothing? Of pictures, a single one has positions that differ."""
    return ones.rule.endswith(".ones") and ones.severity == "error"


def _is_zero(gradient: Finding) -> bool:
    """Is there a gradient, which is 0?"""
    return gradient.rule == "no_gradient" and gradient.evidence.get("gradient") != "None"


# What must hold where a kind, or a rule, is the cause, and another one the symptom; empty stands for any.
_CONDITIONS: tuple[tuple[str, str, Callable[[Finding, Finding], bool | None]], ...] = (
    ("batchnorm_misuse", "dead_relu", lambda c, s: c.rule.endswith(".ones")),
    ("batchnorm_misuse", "constant_output", lambda c, s: c.rule.endswith(".ones")),
    ("batchnorm_misuse", "no_gradient", lambda c, s: _is_silent(c) and _is_zero(s)),
    ("batchnorm_misuse", "lr_too_high", lambda c, s: _is_silent(c) and not _unusual(s)),
    ("dropout_high", "not_learning", lambda c, s: c.rule == "dropout_high"),
    ("dropout_high", "nonfinite", lambda c, s: c.rule == "dropout_high.outputs" and s.rule in _OF_ZEROS),
    (
        "dropout_high",
        "",
        lambda c, s: c.rule == "dropout_high.outputs" and _by_logits(s) and c.layer == s.layer is not None,
    ),
    ("sorted_rows", "not_learning", lambda c, s: True),
    ("sorted_rows", "", lambda c, s: s.evidence.get("from_start") is False),  # the bias grows until one class is left
    ("label_range", "dead_relu", lambda c, s: c.layer == s.layer is not None),  # labels below 0 silence the last one
    ("", "unscaled_input.zeros", lambda c, s: False),
    ("", "unscaled_input.tiny", lambda c, s: False),
    ("", "unscaled_input", lambda c, s: "value_range" in c.message),  # a layer for pixels up to 255
    ("", "constant_output.data", lambda c, s: c.rule == "unscaled_input.zeros"),
    ("unscaled_input.zeros", "", lambda c, s: s.kind in (*_OF_SMALL, "class_imbalance", "no_gradient")),
    ("constant_output", "dead_relu", lambda c, s: c.rule == "constant_output.data"),
    ("unscaled_input", "", lambda c, s: s.kind in _OF_SMALL if _below_1(c) else None),
    ("validation_mismatch.prepared", "validation_mismatch.scale", _same_place),  # once column by column
    ("validation_mismatch", "validation_mismatch", lambda c, s: False),
    ("vanishing_gradient", "vanishing_gradient", lambda c, s: s.rule == "vanishing_gradient" != c.rule),
    ("", "vanishing_gradient.padding", lambda c, s: False),  # which is no doing of the weights
    ("loss_mismatch", "nonfinite", lambda c, s: _by_logits(c) and s.rule in _OF_ZEROS and _same_place(c, s)),
    ("nonfinite", "", _from_nonfinite),
    ("", "nonfinite", _from_nonfinite),
    ("", "frozen", lambda c, s: s.rule == "frozen.rounded"),
    ("callback_mismatch", "", lambda c, s: (c.rule, s.rule) == ("callback_mismatch.mode", "lr_too_low.faded")),
    ("", "unscaled_target.gradients", lambda c, s: False),  # the targets are its cause, and stay as they are
    ("", "no_gradient", lambda c, s: _is_zero(s)),
    ("exploding_gradient", "", lambda c, s: s.kind == "not_learning" or c.rule == "exploding_gradient.clip_order"),
    ("", "exploding_gradient.clip_order", lambda c, s: False),
    ("", "lr_too_high", lambda c, s: not _unusual(s)),
    ("loss_mismatch", "label_range", lambda c, s: c.rule.endswith("one_unit")),
)


def order_of(finding: Finding) -> tuple[int, int]:
    """Where a finding stands among others: by its severity, then causes before what they explain."""
    return SEVERITIES.index(finding.severity), KINDS.index(finding.kind)
