"""`einsum`, as a chain of matrix products between two operands at a time."""

from __future__ import annotations

import math
import string
from typing import Any, NoReturn

from eagerflow.base.errors import signature_of
from eagerflow.core.op import composite
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.ops.arrays.diagonals import diagonal
from eagerflow.ops.arrays.shape import reshape, transpose
from eagerflow.ops.elementwise.arithmetic import multiply
from eagerflow.ops.matrices.products import matmul
from eagerflow.ops.reduce.reductions import sum

__all__ = ["einsum"]


@composite
def einsum(subscripts: str, *operands: Any, **kwargs: Any) -> Tensor:
    """Sums of products of tensors over indices, in Einstein notation.

    Args:
        subscripts: one letter per axis of each operand, as in `"ij,jk->ik"`; `...` stands for further axes.
            Without `->`, the result has the letters that occur once, sorted.
        *operands: the tensors.
        **kwargs: NumPy's `optimize` is accepted, but changes nothing: operands are multiplied from left to right.

    Raises:
        ValueError: when subscripts and shapes don't fit.

    >>> x = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
    >>> ef.ops.einsum("ij,j->i", x, [1.0, 0.0, 1.0]).tolist(), ef.ops.einsum("ij->ji", x).tolist()
    ([4.0, 10.0], [[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]])
    >>> ef.ops.einsum("bij,bjk->bik", ef.ops.ones((8, 2, 3)), ef.ops.ones((8, 3, 5))).shape
    (8, 2, 5)
    """
    unknown = set(kwargs) - {"optimize"}
    if unknown:
        raise TypeError(f"einsum: unknown arguments {sorted(unknown)}; only optimize= is taken.")
    if not isinstance(subscripts, str):
        raise TypeError(
            f"einsum: expected subscripts as text first, such as 'ij,jk->ik'; got {signature_of(subscripts)}. "
            "Lists of axis numbers are not taken."
        )
    tensors = [convert_to_tensor(x) for x in operands]
    terms, output = _parse(subscripts, [x.shape for x in tensors])
    lengths = _lengths(subscripts, terms, [x.shape for x in tensors])
    prepared = [_prepared(x, term, lengths) for x, term in zip(tensors, terms, strict=True)]
    (result, labels), *others = prepared
    for i, (other, term) in enumerate(others):
        later = set(output).union(*[t for _, t in others[i + 1 :]])
        pair = (result, labels), (other, term)
        if output[-1:] in labels and output[-1:] not in term:  # rows of the product that lie as the result's
            pair = pair[::-1]
        result, labels = _pair(*pair[0], *pair[1], later)
    result, labels = _summed(result, labels, set(output))
    return transpose(result, tuple([labels.index(c) for c in output])) if labels != output else result


def _parse(subscripts: str, shapes: list[tuple[int, ...]]) -> tuple[list[str], str]:
    """The letters of each operand and of the result, `...` written out."""
    text = subscripts.replace(" ", "")
    left, arrow, output = text.partition("->")
    terms = left.split(",")
    if len(terms) != len(shapes):
        raise ValueError(f"einsum({subscripts!r}): names {len(terms)} operands; got {len(shapes)}.")
    ndims = [len(shape) for shape in shapes]
    free = [c for c in string.ascii_letters if c not in text]
    counts = [n - len(term.replace("...", "")) for term, n in zip(terms, ndims, strict=True)]
    extra = "".join(free[: max([0, *[n for n, t in zip(counts, terms, strict=True) if "..." in t]])])
    if not arrow:
        once = sorted(c for c in set(left) if c.isalpha() and left.count(c) == 1)
        output = ("..." if "..." in left else "") + "".join(once)
    written = []
    for i, (term, n) in enumerate(zip(terms, counts, strict=True)):
        if n < 0 or (n > 0 and "..." not in term):
            named = len(term.replace("...", ""))
            raise ValueError(
                f"einsum({subscripts!r}): {term!r} names {named} ax{'i' if named == 1 else 'e'}s, and operand {i + 1} "
                f"has {ndims[i]}: its shape is {shapes[i]}."
            )
        written.append(term.replace("...", extra[len(extra) - n :] if n else ""))
    output = output.replace("...", extra)
    _check_letters(subscripts, written, output)
    return written, output


def _check_letters(subscripts: str, terms: list[str], output: str) -> None:
    everything = "".join([*terms, output])
    if everything and not (everything.isalpha() and everything.isascii()):
        raise ValueError(f"einsum({subscripts!r}): only letters, commas, '...' and one '->' are understood.")
    twice = next((c for c in output if output.count(c) > 1), "")
    unknown = next((c for c in output if c not in "".join(terms)), "")
    if twice or unknown:
        why = f"has {twice!r} twice" if twice else f"has {unknown!r}, which no operand has"
        raise ValueError(f"einsum({subscripts!r}): the result {why}.")


def _lengths(subscripts: str, terms: list[str], shapes: list[tuple[int, ...]]) -> dict[str, int]:
    """The length of the axis behind each letter; lengths of one are broadcast."""
    lengths: dict[str, int] = {}
    known_of: dict[str, int] = {}  # the operand that each length is of
    for i, (term, shape) in enumerate(zip(terms, shapes, strict=True)):
        for label, n in zip(term, shape, strict=True):
            if lengths.setdefault(label, n) == 1 or label not in known_of:
                lengths[label], known_of[label] = n, i
            elif n not in (1, lengths[label]):
                _differ(subscripts, shapes, label, (known_of[label], lengths[label]), (i, n))
    return lengths


def _differ(
    subscripts: str, shapes: list[tuple[int, ...]], label: str, first: tuple[int, int], second: tuple[int, int]
) -> NoReturn:
    """Say which letter stands for axes of two lengths, and in which operands."""
    written = subscripts.replace(" ", "").partition("->")[0].split(",")
    what = repr(label) if label in subscripts else "an axis of '...'"
    places = [f"{n} in operand {i + 1}, {written[i]!r} with shape {shapes[i]}" for i, n in (first, second)]
    if first[0] == second[0]:
        places = [str(first[1]), places[1]]
    raise ValueError(f"einsum({subscripts!r}): {what} has length {places[0]}, and {places[1]}.")


def _prepared(x: Tensor, term: str, lengths: dict[str, int]) -> tuple[Tensor, str]:
    """The operand with each letter once, and without axes that are only broadcast."""
    for label in [c for c in dict.fromkeys(term) if term.count(c) > 1]:
        while term.count(label) > 1:
            first, second = term.index(label), term.rindex(label)
            x = diagonal(x, 0, first, second)  # the diagonal comes last
            term = term[:first] + term[first + 1 : second] + term[second + 1 :] + label
    stretched = [i for i, label in enumerate(term) if x.shape[i] == 1 != lengths[label]]
    shape = tuple([n for i, n in enumerate(x.shape) if i not in stretched])
    return (reshape(x, shape) if stretched else x), "".join([c for i, c in enumerate(term) if i not in stretched])


def _summed(x: Tensor, term: str, wanted: set[str]) -> tuple[Tensor, str]:
    """`x` summed over the letters that nobody wants."""
    axes = tuple([i for i, label in enumerate(term) if label not in wanted])
    return (sum(x, axis=axes) if axes else x), "".join([c for c in term if c in wanted])


def _pair(a: Tensor, labels_a: str, b: Tensor, labels_b: str, later: set[str]) -> tuple[Tensor, str]:
    """The product of two operands, summed over the letters that don't occur later."""
    a, labels_a = _summed(a, labels_a, later | set(labels_b))
    b, labels_b = _summed(b, labels_b, later | set(labels_a))
    shared = [c for c in labels_a if c in labels_b]
    batch = "".join([c for c in shared if c in later])
    inner = "".join([c for c in shared if c not in later])
    left = "".join([c for c in labels_a if c not in labels_b])
    right = "".join([c for c in labels_b if c not in labels_a])
    size = dict(zip(labels_a + labels_b, a.shape + b.shape, strict=True))
    outer = [size[c] for c in batch + left + right]
    first = _ordered(a, labels_a, batch + left + inner)
    second = _ordered(b, labels_b, batch + (right if not inner else inner + right))
    if not inner:
        heads = [size[c] for c in batch]
        first = reshape(first, (*heads, *[size[c] for c in left], *[1] * len(right)))
        second = reshape(second, (*heads, *[1] * len(left), *[size[c] for c in right]))
        return multiply(first, second), batch + left + right
    rows = reshape(first, (*[size[c] for c in batch], _product(size, left), _product(size, inner)))
    columns = reshape(second, (*[size[c] for c in batch], _product(size, inner), _product(size, right)))
    return reshape(matmul(rows, columns), tuple(outer)), batch + left + right


def _product(size: dict[str, int], labels: str) -> int:
    return math.prod([size[c] for c in labels])


def _ordered(x: Tensor, labels: str, wanted: str) -> Tensor:
    return x if labels == wanted else transpose(x, tuple([labels.index(c) for c in wanted]))
