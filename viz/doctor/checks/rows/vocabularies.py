"""`validation_mismatch.vocabulary`: words that have other numbers in the validation data than in the training data."""

from __future__ import annotations

from itertools import islice
from typing import Any, NamedTuple

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, tensors

__all__ = ["Vocabularies", "renumbered"]

_SYMPTOMS = ("overfit", "validation_chance")


class _Vocabulary(NamedTuple):
    """The numbers of words, and where they were given."""

    numbers: dict[str, int]
    place: Any


class Vocabularies(Check):
    """Hears of the vocabularies that a script finds, and names a second one where other rows are answered badly.

    Only of networks with one input and no sequence of answers: else the second may be that of other texts.
    """

    of_script = True
    always = ("on_scope_begin", "on_scope_end")
    begins = ("model", "loss")
    ends = ("user",)

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._found: list[_Vocabulary] = []
        self._plain: bool | None = None

    def on_scope_begin(self, opened: Any) -> None:
        if len(self._found) != 2 or self._plain is False:
            return
        given = opened.scope.inputs
        if opened.kind == "loss":
            shape = getattr(given[1], "shape", ()) if isinstance(given, tuple) and len(given) == 2 else ()
            self._plain = len(shape) < 3
        elif self.watch.outermost():
            self._plain = len(tensors(given)) <= 1

    def on_scope_end(self, opened: Any, outputs: Any, error: Any) -> None:
        if opened.scope.name == "vocabulary" and error is None and len(self._found) < 3:
            self._found.append(_Vocabulary(numbers_of(opened.owner), self.watch.called_at()))

    def finish(self) -> None:
        """Did rows other than those to train with fare badly, and have their words other numbers?"""
        findings = [finding for training in self.watch.trainings for finding in training.found.values()]
        suffers = any(finding.rule in _SYMPTOMS for finding in findings)
        if len(self._found) != 2 or not self._plain or not suffers:
            return
        first, second = self._found
        moved = renumbered(first.numbers, second.numbers)
        if moved is None:
            return
        share, word = moved
        self.watch.report(
            "validation_mismatch.vocabulary",
            "warning",
            f"two vocabularies were found, and {share:.0%} of the words that both hold have another number in the "
            f"second one, as {word!r} is {first.numbers[word]} in the first and {second.numbers[word]} in the second: "
            "to the network these are other words",
            place=second.place,
            evidence={"moved": share, "words": len(first.numbers)},
        )


def numbers_of(owner: Any) -> dict[str, int]:
    """The numbers that a tokenizer or a layer gives to its most frequent words."""
    known = getattr(owner, "word_index", None)
    words = list(known) if known is not None else owner.get_vocabulary()
    return {word: i for i, word in enumerate(islice(words, limits.VOCABULARY_LOOKED), 0 if known is None else 1)}


def renumbered(first: dict[str, int], second: dict[str, int]) -> tuple[float, str] | None:
    """Which part of the words of two vocabularies have other numbers, and one of them; None where few do.

    >>> words = "the a cat dog sat ran on in to of and but".split()
    >>> numbers = {word: i for i, word in enumerate(words)}
    >>> renumbered(numbers, {word: i + 1 for word, i in numbers.items()})
    (1.0, 'the')
    >>> renumbered(numbers, numbers) is None
    True
    """
    shared = [word for word in first if word in second]
    moved = [word for word in shared if first[word] != second[word]]
    enough = len(shared) >= max(limits.VOCABULARY_SHARED, min(len(first), len(second)) / 2)
    return (len(moved) / len(shared), moved[0]) if enough and 2 * len(moved) > len(shared) else None
