"""Numbers and names as people read them."""

from __future__ import annotations

import contextlib
import difflib
import functools
import os
import re
import sys
import unicodedata
from collections.abc import Iterable
from importlib import import_module

from viz.facts.schema import Frame, TensorInfo

__all__ = [
    "AROUND_FUNCTIONS",
    "LONGEST_NAME",
    "amount",
    "clean",
    "count",
    "dtype",
    "file_kind",
    "is_model",
    "how_to_record",
    "magnitude",
    "meant_file",
    "nbytes",
    "near",
    "nearest",
    "not_a_recording",
    "place",
    "ranges",
    "role",
    "seconds",
    "shape",
    "short",
    "some",
    "tensor",
    "with_class",
]

_KEPT = "a file of kept steps"
_KINDS_OF_FILES = {
    "a picture": ".svg .png .jpg .jpeg .gif .webp .bmp .pdf .dot",
    "a web page": ".html .htm",
    "a saved model": ".keras .onnx .pb .pt .pth",
    "a file of weights": ".h5 .hdf5 .safetensors",
    "a file of arrays": ".npy .npz",
    "a table": ".csv .tsv .parquet .xlsx",
    "a notebook": ".ipynb",
    _KEPT: ".efr",
    "a script": ".py .pyw",
}
_MODELS = (".onnx", ".keras", ".h5", ".hdf5", ".safetensors")
AROUND_FUNCTIONS = ("LossFunctionWrapper", "MeanMetricWrapper")  # the name is that of the function, and says it all
_DTYPES = {"float": "f", "int": "i", "uint": "u", "complex": "c", "bfloat": "bf"}
LONGEST_NAME = 40
"""Letters of a name in the user's code, of what is recorded and shown."""


def seconds(nanoseconds: float) -> str:
    """A time: `"870 ns"`, `"12.3 µs"`, `"1.2 ms"`, `"3.4 s"`."""
    for limit, unit, size in ((1e3, "ns", 1), (1e6, "µs", 1e3), (1e9, "ms", 1e6)):
        if nanoseconds < limit * 0.9995:
            return f"{_three_digits(nanoseconds / size)} {unit}"
    return f"{_three_digits(nanoseconds / 1e9)} s"


def nbytes(number: float) -> str:
    """A size: `"512 B"`, `"1.5 KB"`, `"20 MB"`, in powers of 1024."""
    for unit in ("B", "KB", "MB", "GB"):
        if number < 1023.5:
            return f"{_three_digits(number)} {unit}"
        number /= 1024
    return f"{_three_digits(number)} TB"


def _three_digits(number: float) -> str:
    if number >= 99.95 or number == int(number):
        return f"{number:.0f}"
    return f"{number:.1f}" if number >= 9.995 else f"{number:.2g}" if number < 1 else f"{number:.1f}"


def magnitude(number: float) -> str:
    """The size of a gradient, say: `"0.012"`, `"44"`, `"4340"`, `"1.2e+06"`."""
    return f"{number:.0f}" if 99.5 <= number < 99_999.5 else f"{number:.2g}"


def role(name: str) -> str:
    """What a tensor is, in the word that pictures and tables have for it.

    >>> role("parameter"), role("frozen"), role("gradient")
    ('weight', 'frozen weight', 'gradient')
    """
    return {"parameter": "weight", "frozen": "frozen weight"}.get(name, name)


def amount(number: int) -> str:
    """A count with separators: `"50,240"`."""
    return f"{number:,}"


def short(number: float) -> str:
    """A large count: `"870"`, `"1.2 k"`, `"3.9 G"`; what no unit fits, as `"6.6e+30"`."""
    if abs(number) >= 999.5e15:
        return f"{number:.3g}"
    for unit in ("", " k", " M", " G", " T"):
        if number < 999.5:
            return f"{_three_digits(number)}{unit}"
        number /= 1000
    return f"{_three_digits(number)} P"


def count(number: int, noun: str) -> str:
    """`"1 op"`, `"2 ops"`."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def ranges(numbers: Iterable[int], least: int = 2, most: int = 8) -> str:
    """Numbers in their order, at least so many that follow each other as a range; of more than `most` ranges the first.

    >>> ranges([3, 7, 8, 9]), ranges([1, 2, 4, 5, 6], least=3)
    ('3, 7–9', '1, 2, 4–6')
    """
    found: list[list[int]] = []
    for number in numbers:
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    shown: list[str] = []
    for first, last in found[:most]:
        row = range(first, last + 1)
        shown += [f"{first}–{last}"] if len(row) >= max(2, least) else map(str, row)
    return ", ".join([*shown, *["…"] * (len(found) > most)])


def some(texts: Iterable[str], most: int = 2) -> str:
    """Texts in their order, of many the first ones: `"encoder, decoder, …"`."""
    given = [*texts]
    return ", ".join([*given[:most], *["…"] * (len(given) > most)])


def dtype(name: str) -> str:
    """The short form of a type's name: `"f32"` for `"float32"`."""
    match = re.fullmatch(r"(float|int|uint|complex|bfloat)(\d+)", name)
    return _DTYPES[match[1]] + match[2] if match else name


def shape(lengths: tuple[int, ...]) -> str:
    """`"32×64"`; `"scalar"` for no axes."""
    return "×".join(map(str, lengths)) if lengths else "scalar"


def tensor(info: TensorInfo) -> str:
    """Shape and short type: `"32×64 f32"`."""
    return f"{shape(info.shape)} {dtype(info.dtype)}"


def clean(text: str, longest: int = 60) -> str:
    """`text` on one line, without control characters and broken surrogates, cut in the middle when too long."""
    text = str(text)
    if len(text) <= longest and text.isascii() and text.isprintable() and " " not in text:
        return text  # as most names are
    text = "".join([c if unicodedata.category(c) not in ("Cc", "Cs", "Cf", "Zl", "Zp") else " " for c in text])
    text = " ".join(text.split())
    if len(text) <= longest:
        return text
    return text[: longest * 2 // 3] + "…" + text[len(text) - longest // 3 + 1 :]


def with_class(name: str, cls: str, longest: int = 80) -> str:
    """`"dense_1 (Dense)"`: what a layer, loss or metric is called, and its class where that tells something.

    >>> with_class("adam", "Adam"), with_class("accuracy", "MeanMetricWrapper")
    ('adam (Adam)', 'accuracy')
    """
    return clean(name, longest) + (f" ({clean(cls, 30)})" if cls and cls not in AROUND_FUNCTIONS else "")


def nearest(name: str, known: Iterable[str], least: float = 0.5) -> str:
    """`"; did you mean 'a' or 'b'?"` for those of `known` that begin with `name` or are like it, or "".

    Args:
        name: what was written.
        known: what there is.
        least: how much of two names must agree, from 0 to 1; more where many other words may be meant.

    >>> nearest("doctor", ["ancestors"], 0.65), nearest("ancestor", ["ancestors"], 0.65)
    ('', "; did you mean 'ancestors'?")
    """
    names = sorted(set(known))
    begun = [each for each in names if name and each.startswith(name)]
    close = difflib.get_close_matches(name, names, 3, least)
    ratios = [difflib.SequenceMatcher(None, each, name).ratio() for each in close]
    found = begun[:3] or [each for each, ratio in zip(close, ratios) if ratio >= ratios[0] - 0.1]  # as well as the best
    return f"; did you mean {' or '.join(map(repr, found))}?" if found else ""


def place(frame: Frame | None) -> str:
    """`file:line`, the file as seen from here where that is shorter."""
    return "" if frame is None else f"{near(frame.file)}:{frame.line}"


def near(file: str) -> str:
    """The path relative to the working directory, where that is shorter and doesn't leave it; a cell by its name."""
    if "IPython" in sys.modules:  # elsewhere there are no cells, and perhaps no eagerflow
        file = import_module("eagerflow.base.notebook").cell_names().get(file, file)
    return _seen_from(file, os.getcwd()) if os.path.isabs(file) else file


@functools.lru_cache(256)  # the ops of a long recording stand in few files
def _seen_from(file: str, folder: str) -> str:
    with contextlib.suppress(ValueError):  # on another drive
        seen = os.path.relpath(file, folder)
        return seen if not seen.startswith(os.pardir) and len(seen) < len(file) else file
    return file


def is_model(name: str) -> bool:
    """Whether a file's name says that it holds a model, or weights of one."""
    return str(name).lower().endswith(_MODELS)


def file_kind(name: str) -> str:
    """What a file is that is no recording, by how its name ends: `"a picture"`; empty where that tells nothing."""
    ending = os.path.splitext(name)[1].lower()
    return next((kind for kind, endings in _KINDS_OF_FILES.items() if ending and ending in endings.split()), "")


def how_to_record(name: str) -> str:
    """What to add where a recording is wanted and a file is none: how to record it, if it is a script, or another."""
    if file_kind(name) == "a script":
        made = os.path.splitext(os.path.basename(name))[0]
        return f"; a script is recorded with: viz run {name:.100}, which writes {made:.100}.efz"
    if file_kind(name) == _KEPT:
        return f"; kept steps are looked at with: viz replay {name:.100}"
    return "; a recording is a file that ends in .efz, which is made with: viz run SCRIPT.py"


def meant_file(name: str, usual: str) -> str:
    """What to add where there is no such file: `"; did you mean 'train.py'?"` for one beside it.

    Args:
        name: the file. One whose ending is known is looked for among those of its kind.
        usual: what files end in that are given there: 'a.efz' is meant by 'a', 'a.ezf' and 'a.txt'.
    """
    folder, last = os.path.split(name)
    stem, ending = os.path.splitext(last)
    endings = {usual, ending} if file_kind(last) else {usual}
    try:
        beside = os.listdir(folder or ".")
    except (OSError, ValueError):
        return ""
    stems = {os.path.splitext(each)[0]: each for each in beside if os.path.splitext(each)[1] in endings}
    found = difflib.get_close_matches(stem, list(stems), 1, 0.65)
    return f"; did you mean {os.path.join(folder, stems[found[0]])!r:.150}?" if found else ""


def not_a_recording(name: str) -> str:
    """Says what a file is that is no recording, and what to give instead; see `file_kind`."""
    return f"{name!r:.150} is {file_kind(name)}, not a recording{how_to_record(name)}"
