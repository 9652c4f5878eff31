"""Which ending was meant by a name of a file that says no format of ours."""

from __future__ import annotations

import difflib
import os

__all__ = ["meant_ending", "names_a_file"]

_OURS = (".keras", ".h5", ".hdf5", ".safetensors")

# Files of other libraries, and kinds of files that hold no models: nobody calls a folder so on purpose.
# (`.ckpt` and `.model` aren't here: tutorials of Keras 2 call folders so.)
_OTHERS = frozenset(
    ".bin .joblib .json .mat .npy .npz .onnx .pickle .pkl .pt .pth .tflite .txt .yaml .yml .zip".split()
)


def meant_ending(path: str) -> str:
    """`" Did you mean 'model.keras'?"`, with the nearest of our endings, or `.keras` for a file of another library.

    >>> from eagerflow.base.wording.endings import meant_ending
    >>> meant_ending("model.kears"), meant_ending("model.h55"), meant_ending("model.pth")
    (" Did you mean 'model.keras'?", " Did you mean 'model.h5'?", " Did you mean 'model.keras'?")
    """
    stem, ending = os.path.splitext(path)
    near = _near(ending)
    return f" Did you mean {stem + (near or '.keras')!r}?" if stem and (near or names_a_file(path)) else ""


def names_a_file(path: str) -> bool:
    """Whether a path that ends in no format of ours can't be meant as a folder: `model.kears`, but not `runs/0.5`.

    >>> from eagerflow.base.wording.endings import names_a_file
    >>> [names_a_file(path) for path in ("model.kears", "model.pth", "my_model", "runs/0.5", "model.v2")]
    [True, True, False, False, False]
    """
    ending = os.path.splitext(path)[1]
    return _near(ending) is not None or ending.lower() in _OTHERS


def _near(ending: str) -> str | None:
    """The ending of ours that was misspelled; numbers, as in `model_0.5`, aren't endings."""
    if not ending[1:2].isalpha() or ending in _OURS:
        return None
    return next(iter(difflib.get_close_matches(ending.lower(), _OURS, n=1, cutoff=0.75)), None)
