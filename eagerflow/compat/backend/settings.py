"""Settings and names: the part of `keras.backend` that holds no numbers."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy

from eagerflow.base.config import epsilon, floatx, image_data_format, set_epsilon, set_floatx, set_image_data_format
from eagerflow.base.typing import DataFormat
from eagerflow.core.dtypes import is_float_dtype, is_int_dtype, standardize_dtype
from eagerflow.core.tensor import Tensor, holds_tensors
from eagerflow.layer.symbolic.session import clear_session, is_keras_tensor
from eagerflow.layer.unique_names import get_uid, reset_uids
from eagerflow.ops import cast

__all__ = ["backend", "cast_to_floatx", "clear_session", "epsilon", "floatx", "get_uid", "image_data_format"]
__all__ += ["image_dim_ordering", "is_float_dtype", "is_int_dtype", "is_keras_tensor", "manual_variable_initialization"]
__all__ += ["name_scope", "normalize_data_format", "reset_uids", "set_epsilon", "set_floatx", "set_image_data_format"]
__all__ += ["set_image_dim_ordering", "standardize_dtype"]

_ORDERINGS: dict[str, DataFormat] = {"tf": "channels_last", "th": "channels_first"}


def backend() -> str:
    """`"tensorflow"`: the branch of a script that is meant for it works here, through `import tensorflow`.

    >>> backend()
    'tensorflow'
    """
    return "tensorflow"


def cast_to_floatx(x: Any) -> Any:
    """Numbers in the default float type: an array for arrays and numbers, a tensor for tensors.

    >>> cast_to_floatx([1, 2])
    array([1., 2.], dtype=float32)
    """
    tensors = isinstance(x, Tensor) or holds_tensors(x)
    return cast(x, floatx()) if tensors else numpy.asarray(x, dtype=floatx())


def image_dim_ordering() -> str:
    """Keras 1's name of the image layout: `"tf"` or `"th"`.

    >>> image_dim_ordering()
    'tf'
    """
    return next(old for old, new in _ORDERINGS.items() if new == image_data_format())


def set_image_dim_ordering(dim_ordering: str) -> None:
    """Set the image layout by Keras 1's names.

    Raises:
        ValueError: for anything but `"tf"` and `"th"`.

    >>> set_image_dim_ordering("th")
    >>> image_dim_ordering()
    'th'
    >>> set_image_dim_ordering("tf")
    """
    if dim_ordering not in _ORDERINGS:
        raise ValueError(f"set_image_dim_ordering(dim_ordering={dim_ordering!r}): expected 'tf' or 'th'.")
    set_image_data_format(_ORDERINGS[dim_ordering])


def normalize_data_format(value: str | None) -> DataFormat:
    """A layout, the default one for None.

    Raises:
        ValueError: for anything but `"channels_first"` and `"channels_last"`.

    >>> normalize_data_format(None), normalize_data_format("channels_first")
    ('channels_last', 'channels_first')
    """
    chosen = image_data_format() if value is None else str(value).lower()
    if chosen not in _ORDERINGS.values():
        raise ValueError(f"data_format={value!r}: expected 'channels_last' or 'channels_first'.")
    return "channels_first" if chosen == "channels_first" else "channels_last"


def manual_variable_initialization(value: bool) -> None:
    """Accepted; variables have their values from the beginning.

    >>> manual_variable_initialization(True)
    """


def name_scope(name: str, *args: Any, **kwargs: Any) -> contextlib.AbstractContextManager[Any]:
    """Accepted; names of weights come from their layers.

    >>> with name_scope("encoder"):
    ...     layer = ef.layers.Dense(1, name="first")
    >>> layer.name
    'first'
    """
    return contextlib.nullcontext(name)
