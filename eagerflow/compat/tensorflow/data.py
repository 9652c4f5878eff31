"""`tf.data`: `eagerflow.data.Dataset` with TensorFlow's ways of making one."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from eagerflow import data, ops
from eagerflow.base import tree
from eagerflow.compat.tensorflow.files.records import opened
from eagerflow.core.tensor import Tensor
from eagerflow.data.text import TextTensor, holds_text, text_tensor

__all__ = ["AUTOTUNE", "AutoShardPolicy", "Counter", "Dataset", "INFINITE_CARDINALITY", "Options"]
__all__ += ["TextLineDataset", "UNKNOWN_CARDINALITY", "assert_cardinality", "cardinality", "ignore_errors"]
__all__ += ["prefetch_to_device"]

AUTOTUNE = -1
INFINITE_CARDINALITY, UNKNOWN_CARDINALITY = -1, -2


class _AnyDataset(type):
    """`isinstance(x, tf.data.Dataset)` is true for every data set."""

    def __instancecheck__(cls, x: Any) -> bool:
        return isinstance(x, data.Dataset)


class Dataset(data.Dataset, metaclass=_AnyDataset):
    """Elements one after the other; see `eagerflow.data.Dataset`."""

    @staticmethod
    def from_generator(
        generator: Callable[..., Iterable[Any]],
        output_types: Any = None,
        output_shapes: Any = None,
        args: Any = (),
        output_signature: Any = None,
        name: str | None = None,
    ) -> data.Dataset:
        """What a generator function yields, called again for each pass.

        A list that is yielded is one tensor where types or signature name one, and a structure where they name several.
        """
        types = output_types
        if output_signature is not None:
            types = tree.map_structure(lambda spec: getattr(spec, "dtype", None), output_signature)
        if not callable(generator):
            raise TypeError(
                f"from_generator: expected a function that makes a generator; got {type(generator).__name__}. Pass the "
                "function itself, without calling it."
            )
        if types is None:
            return data.Dataset.from_generator(lambda: generator(*(args or ())))
        told = output_types if output_signature is None else output_signature
        made = data.Dataset.from_generator(lambda: (_arranged(e, told) for e in generator(*(args or ()))))
        return data.Dataset(lambda: (_as_told(_typed(e, types), output_signature) for e in made))

    @staticmethod
    def from_tensors(tensors: Any, name: str | None = None) -> data.Dataset:
        """One element, in which a list is one tensor."""
        element = _tensors(tensors)
        return data.Dataset.from_generator(lambda: iter([element]), 1)


def _tensors(structure: Any) -> Any:
    """A tensor for each leaf of tuples and dicts; a list is a leaf, as in TensorFlow."""
    if isinstance(structure, dict):
        return {k: _tensors(v) for k, v in structure.items()}
    if isinstance(structure, tuple):
        return tuple([_tensors(v) for v in structure])
    return text_tensor(structure) if holds_text(structure) else ops.convert_to_tensor(structure)


def _arranged(element: Any, structure: Any) -> Any:
    """What a generator gave, with an array in place of each list that the structure takes for one tensor."""
    if isinstance(structure, dict) and isinstance(element, dict):
        return {k: _arranged(e, structure.get(k)) for k, e in element.items()}
    if not isinstance(element, (list, tuple)):
        return element
    if isinstance(structure, (list, tuple)):
        if len(element) != len(structure):
            raise ValueError(
                f"from_generator: the generator gave {len(element)} parts, where output_types or output_signature name "
                f"{len(structure)}."
            )
        return tuple([_arranged(e, s) for e, s in zip(element, structure)])
    return text_tensor(element) if holds_text(element) else ops.convert_to_tensor(element)


def _as_told(element: Any, signature: Any) -> Any:
    """An element, whose shapes must be those of the signature."""
    if isinstance(signature, (list, tuple)) and isinstance(element, tuple):
        return tuple([_as_told(e, s) for e, s in zip(element, signature)])
    if isinstance(signature, dict) and isinstance(element, dict):
        return {k: _as_told(e, signature.get(k)) for k, e in element.items()}
    told = getattr(signature, "told", None)
    found = tuple(getattr(element, "shape", ()))
    if told is not None and (len(told) != len(found) or any(n not in (None, m) for m, n in zip(found, told))):
        raise ValueError(
            f"from_generator: the generator gave an element of shape {found}, where output_signature says {told}."
        )
    return element


def _typed(element: Any, types: Any) -> Any:
    """Numbers in the types that were named."""
    if isinstance(element, tuple):
        wanted = types if isinstance(types, (list, tuple)) else [types] * len(element)
        return tuple([_typed(e, t) for e, t in zip(element, wanted, strict=True)])
    if isinstance(element, dict):
        return {k: _typed(e, types[k]) for k, e in element.items()}
    if types is None or holds_text(element):
        return element
    return element.astype(types) if element.dtype != types else element


def TextLineDataset(
    filenames: Any,
    compression_type: Any = None,
    buffer_size: Any = None,
    num_parallel_reads: Any = None,
    name: str | None = None,
) -> data.Dataset:
    """The lines of text files, without their ends."""
    texts = text_tensor([filenames] if isinstance(filenames, Path) else _names(filenames))

    def make() -> Iterator[Any]:
        for path in texts.reshape(-1).tolist():
            with opened(path, compression_type, "rb") as lines:
                for number, line in enumerate(lines, 1):
                    yield text_tensor(_utf_8(line, path, number).rstrip("\n").rstrip("\r"))

    return data.Dataset(make)


def _utf_8(line: bytes, path: str, number: int) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"TextLineDataset(filenames={path!r}): line {number} isn't UTF-8 (byte {line[error.start]:#04x}). Read "
            "a file in another encoding, such as GBK, by Python: "
            "tf.data.Dataset.from_tensor_slices(open(path, encoding='gbk').read().splitlines())."
        ) from None


def _names(files: Any) -> Any:
    if isinstance(files, data.Dataset):
        return [x.numpy() if isinstance(x, TextTensor) else x for x in files]
    return [str(f) for f in files] if isinstance(files, (list, tuple)) else files


def Counter(start: int = 0, step: int = 1, dtype: Any = "int64") -> data.Dataset:
    """Whole numbers without end."""
    counted = data.Dataset.from_generator(lambda: itertools.count(start, step))
    return data.Dataset(counted._make, -1)


def cardinality(dataset: data.Dataset) -> Tensor:
    """The number of elements; -1 for no end, -2 for unknown."""
    return ops.convert_to_tensor(dataset.cardinality(), "int64")


def assert_cardinality(expected_cardinality: int) -> Callable[[data.Dataset], data.Dataset]:
    """For `apply`: the data set, known to have this number of elements."""
    return lambda dataset: data.Dataset(dataset._make, int(expected_cardinality))


def ignore_errors(log_warning: bool = False) -> Callable[[data.Dataset], data.Dataset]:
    """For `apply`: without the elements whose making raises."""
    return lambda dataset: dataset.ignore_errors(log_warning)


def prefetch_to_device(device: Any, buffer_size: Any = None) -> Callable[[data.Dataset], data.Dataset]:
    """For `apply`: elements made ahead; `fit` moves them."""
    return lambda dataset: dataset.prefetch(buffer_size or 1)


class AutoShardPolicy:
    """How data is divided among machines: there is one."""

    AUTO, DATA, FILE, HINT, OFF = 0, 2, 1, 3, -1


class _Settings:
    """Settings of which none changes anything."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        found = self.__dict__[name] = _Settings()
        return found


class Options(_Settings):
    """Accepted by `with_options`; there is nothing to choose."""
