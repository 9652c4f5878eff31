"""`attention_mask`: an attention that sees the padding instead of the words, or beside them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.host_arrays import host, is_tensor, key_of, tensors, tracked, values_of
from viz.doctor.facts.layer_kinds import attention_around, is_embedding
from viz.doctor.program import layer_label
from viz.doctor.user_code import Place, made_at

__all__ = ["AttentionMasks"]

_HIDES = 1e3  # a score lowered by so much gets nothing of a softmax, as e**-1000 is 0


class _Mask(NamedTuple):
    """What an attention doesn't see: True there, of as many axes as its scores; and who hides it, on which line."""

    hidden: numpy.ndarray
    layer: Any
    place: Place | None


class AttentionMasks(Check):
    """Compares what attention hides with where the padding of the sequences is.

    A mask is what a fused attention is given as one, or what makes scores very low before their softmax.
    """

    rules = {
        "attention_mask": Rule.error(
            "{who} sees the padding and none of the words: in {blind} of {rows} rows with padding its mask hides every "
            "step that is real",
            "Turn the mask round: attention_mask is True (1) for what may be seen, as in ops.not_equal(tokens, 0)"
            "[:, None, :]; a mask that is added to the scores is 0 there, and -1e9 for what is hidden.",
        ),
        "attention_mask.padding": Rule.warning(
            "{who} has no mask, so the words look at the padding, too: {padding:.0%} of all steps are padding, and the "
            "same row gets another answer beside a longer one",
            "Hide the padding: key_padding_mask=(tokens == 0) in PyTorch, attention_mask=ops.not_equal(tokens, 0)"
            "[:, None, :] or Embedding(mask_zero=True) here.",
        ),
    }

    def begin(self) -> None:
        self._real: dict[tuple[int, ...], numpy.ndarray] = {}  # by rows and steps: which steps are no padding
        self._lowered: dict[int, _Mask] = {}  # by the key of the scores

    def on_call(self, opened: Any) -> None:
        if self.watch.outermost() or is_embedding(opened.owner):
            for x in tensors(opened.scope.inputs):
                real = _real_steps(host(x.data)) if x.key is None and x.data.ndim > 1 else None
                if real is not None:
                    self._real[real.shape] = real

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, error: Any) -> None:
        if error is not None:
            return
        if op.means == "scaled_dot_product_attention":
            shape, key, causal = inputs[0].data.shape, inputs[1].data.shape, bool(settings[0])
            mask = _constant(inputs[3]) if len(inputs) > 3 else None
            if mask is not None:
                self._judge(self._mask(~mask if mask.dtype.kind == "b" else mask <= -_HIDES, len(shape)))
            elif not causal and len(inputs) < 4:
                self._unmasked((*shape[:-1], key[-2]))
        elif op.means == "baddbmm" and tracked(outputs):
            added = _constant(inputs[0])
            if added is not None and (added <= -_HIDES).any():
                self._lowered[outputs.key] = self._mask(added <= -_HIDES, 3)
        elif op.means == "dot_product_attention":
            mask = _constant(inputs[4]) if len(inputs) > 4 else None
            if mask is not None and is_tensor(inputs[0]):
                self._judge(self._mask(~mask.astype(bool), inputs[0].data.ndim))
        elif op.means == "softmax":
            lowered = self._lowered.get(getattr(inputs[0], "key", None) or -1)
            if lowered is not None:
                self._judge(lowered)
            elif tracked(outputs) and attention_around(each.owner for each in self.watch.scopes) is not None:
                self._unmasked(outputs.data.shape)
        elif op.means in ("add", "subtract", "where") and tracked(outputs):
            hidden = _hidden_by(op.means, inputs) if outputs.data.ndim > 2 else None
            if hidden is not None:
                self._lowered[outputs.key] = self._mask(hidden, outputs.data.ndim)

    def on_step_end(self) -> None:
        self._real.clear()
        self._lowered.clear()

    def _mask(self, hidden: numpy.ndarray, axes: int) -> _Mask:
        """With as many axes as the scores have; and the attention that is running, or the user's layer."""
        layer = attention_around(each.owner for each in self.watch.scopes) or self.watch.layer()
        place = self.watch.own_line() or made_at(layer) or self.watch.place()
        return _Mask(hidden.reshape((1,) * (axes - hidden.ndim) + hidden.shape), layer, place)

    def _unmasked(self, scores: tuple[int, ...]) -> None:
        """An attention without a mask: is there any padding among the steps that it looks at?"""
        rows = [real for (count, steps), real in self._real.items() if scores[-1] == steps and not scores[0] % count]
        if not rows or rows[0].mean() > limits.NEARLY_ALL:
            return
        about = {"rows": len(rows[0]), "blind": 0, "padding": 1 - float(rows[0].mean())}
        self._tell("attention_mask.padding", self._mask(numpy.zeros((1, 1), bool), 2), **about)

    def _judge(self, mask: _Mask) -> None:
        """Does it hide all steps that are real?"""
        rows = _blind(mask.hidden, self._real)
        if rows is not None:
            self._tell("attention_mask", mask, blind=rows[0], rows=rows[1])

    def _tell(self, rule: str, mask: _Mask, **about: Any) -> None:
        label, key = layer_label(mask.layer), (rule, mask.place or id(mask.layer))
        who = f"attention {label!r}" if label else "this attention"
        self.tell(rule, layer=mask.layer, place=mask.place, key=key, who=who, **about)


def _hidden_by(name: str, inputs: Any) -> numpy.ndarray | None:
    """Where an op makes scores so low that a softmax gives them nothing; None where it doesn't."""
    if name == "where":
        condition, kept, other = inputs[:3]
        scores, low, seen_here = (kept, other, True) if tracked(kept) else (other, kept, False)
        seen, values = _constant(condition), _constant(low)
        if not tracked(scores) or seen is None or seen.ndim < 2 or values is None or values.size != 1:
            return None
        return seen.astype(bool) != seen_here if float(values.reshape(-1)[0]) <= -_HIDES else None
    one, two = inputs[:2]
    scores, added = (one, two) if tracked(one) else (two, one)
    values = _constant(added)
    if not tracked(scores) or values is None or values.ndim < 2 or values.dtype.kind != "f":
        return None
    if values.shape[-1] != scores.data.shape[-1]:
        return None
    hidden = values <= -_HIDES if name == "add" else values >= _HIDES
    return hidden if hidden.any() and (name == "add" or scores is one) else None


def _constant(x: Any) -> numpy.ndarray | None:
    """The numbers of what no weights were used for; None for anything else."""
    known = is_tensor(x) or isinstance(x, (numpy.ndarray, int, float))
    return values_of(x) if known and key_of(x) is None else None


def _real_steps(values: numpy.ndarray) -> numpy.ndarray | None:
    """Which steps are no padding, where sequences end or begin with zeros, of unequal numbers; else None."""
    if values.ndim not in (2, 3) or values.dtype.kind not in "iuf" or values.shape[1] < limits.OFTEN:
        return None
    real = numpy.asarray(values.reshape(*values.shape[:2], -1).any(axis=2))
    changes = (real[:, 1:] != real[:, :-1]).sum(axis=1)
    padded = (changes == 1) & (real[:, 0] | real[:, -1])
    counts = real.sum(axis=1)[padded]
    whole = real.all(axis=1) | ~real.any(axis=1)
    fits = (padded | whole).all() and len(counts) >= limits.OFTEN and len(numpy.unique(counts)) > 2
    return real if fits else None


def _blind(hidden: numpy.ndarray, known: dict[tuple[int, ...], numpy.ndarray]) -> tuple[int, int] | None:
    """In how many padded rows all real steps are hidden from all real steps, and how many are padded; else None."""
    fits = [x for (rows, steps), x in known.items() if steps == hidden.shape[-1] and not len(hidden) % rows]
    real = fits[0] if hidden.ndim > 2 and fits else None
    if real is None:
        return None
    hidden = hidden.reshape(len(real), -1, *hidden.shape[-2:])  # heads may be rows of their own
    per_row = numpy.asarray(hidden.reshape(len(hidden), -1, *hidden.shape[-2:]).all(axis=1))  # over heads
    rows = [i for i in range(len(real)) if real[i].any() and not real[i].all()]
    blind = 0
    for i in rows:
        looking = numpy.asarray(per_row[i][real[i]] if per_row.shape[1] == real.shape[1] else per_row[i])
        blind += bool(looking[:, real[i]].all())
    return (blind, len(rows)) if blind >= limits.NEARLY_ALL * len(rows) else None
