"""Process-wide settings: default float type, epsilon, image layout, limits of training, home folder."""

from __future__ import annotations

import os
from pathlib import Path

from eagerflow.base.errors import expect_one_of
from eagerflow.base.typing import DataFormat

__all__ = ["backend", "disable_flash_attention", "disable_interactive_logging", "disable_traceback_filtering"]
__all__ += ["enable_flash_attention", "enable_interactive_logging", "enable_traceback_filtering"]
__all__ += ["enable_unsafe_deserialization", "epsilon", "floatx", "home", "image_data_format"]
__all__ += ["is_flash_attention_enabled", "is_interactive_logging_enabled", "is_nnx_enabled"]
__all__ += ["is_traceback_filtering_enabled", "max_epochs", "max_steps_per_epoch", "set_backend", "set_epsilon"]
__all__ += ["set_floatx", "set_image_data_format", "set_max_epochs", "set_max_steps_per_epoch"]

_FLOATS = ("bfloat16", "float16", "float32", "float64")
_LAYOUTS = ("channels_last", "channels_first")
_settings: dict[str, str | float] = {"floatx": "float32", "epsilon": 1e-7, "image_data_format": "channels_last"}
_limits: dict[str, int | None] = {"max_epochs": None, "max_steps_per_epoch": None}
_switches: dict[str, bool | None] = {
    "interactive_logging": True,
    "flash_attention": None,
    "traceback_filtering": True,
    "unsafe_deserialization": False,
}


def backend() -> str:
    """The name of the backend: always `"eagerflow"`.

    >>> ef.config.backend()
    'eagerflow'
    """
    return "eagerflow"


def set_backend(backend: str) -> None:
    """Accepted for compatibility with Keras: there is one backend, which uses NumPy on the CPU and CuPy on GPUs.

    Args:
        backend: `"eagerflow"`.

    Raises:
        ValueError: for any other name.

    >>> ef.config.set_backend("eagerflow")
    >>> ef.config.backend()
    'eagerflow'
    """
    if backend != "eagerflow":
        raise ValueError(
            f"set_backend(backend={backend!r}): there is only 'eagerflow'. Where arrays live, and NumPy or CuPy with "
            "it, is chosen by eagerflow.device(...) and set_default_device(...)."
        )


def floatx() -> str:
    """The default float type of new tensors and weights, `"float32"` unless changed.

    >>> ef.config.floatx()
    'float32'
    """
    return str(_settings["floatx"])


def set_floatx(value: str) -> None:
    """Set the default float type.

    Args:
        value: `"float16"`, `"bfloat16"`, `"float32"` or `"float64"`.

    Raises:
        ValueError: for any other name.

    >>> ef.config.set_floatx("float64")
    >>> ef.ops.ones(2).dtype.name
    'float64'
    >>> ef.config.set_floatx("float32")
    """
    expect_one_of("set_floatx", "value", value, _FLOATS)
    _settings["floatx"] = value


def epsilon() -> float:
    """The small number that keeps divisions and logarithms finite, 1e-7 unless changed.

    >>> ef.config.epsilon()
    1e-07
    """
    return float(_settings["epsilon"])


def set_epsilon(value: float) -> None:
    """Set the small number which keeps divisions and logarithms finite.

    Args:
        value: a positive number; 1e-7 unless set.

    Raises:
        ValueError: when `value` is not a positive number.

    >>> before = ef.config.epsilon()
    >>> ef.config.set_epsilon(1e-5)
    >>> ef.config.epsilon()
    1e-05
    >>> ef.config.set_epsilon(before)
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
        raise ValueError(f"set_epsilon(value={value!r}): expected a positive number such as 1e-7.")
    _settings["epsilon"] = float(value)


def image_data_format() -> DataFormat:
    """The default place of the channels axis: `"channels_last"` or `"channels_first"`.

    >>> ef.config.image_data_format()
    'channels_last'
    """
    return "channels_first" if _settings["image_data_format"] == "channels_first" else "channels_last"


def set_image_data_format(data_format: DataFormat) -> None:
    """Set the default place of the channels axis.

    Args:
        data_format: `"channels_last"`: (batch, height, width, channels), the default; or
            `"channels_first"`: (batch, channels, height, width).

    Raises:
        ValueError: for anything but `"channels_last"` and `"channels_first"`.

    >>> ef.config.set_image_data_format("channels_first")
    >>> ef.layers.Conv2D(4, 3)(ef.ops.ones((1, 2, 8, 8))).shape
    (1, 4, 6, 6)
    >>> ef.config.set_image_data_format("channels_last")
    """
    expect_one_of("set_image_data_format", "data_format", data_format, _LAYOUTS)
    _settings["image_data_format"] = data_format


def max_epochs() -> int | None:
    """The limit that `set_max_epochs` set, else that of the environment variable `KERAS_MAX_EPOCHS`, else None.

    >>> ef.config.set_max_epochs(3)
    >>> ef.config.max_epochs()
    3
    >>> ef.config.set_max_epochs(None)
    """
    return _most("epochs")


def set_max_epochs(max_epochs: int | None) -> None:
    """Limit every `fit` of this process to this many epochs, to try out a program quickly.

    Args:
        max_epochs: at least 1, or None for no limit.

    Raises:
        ValueError: for anything else.

    >>> ef.config.set_max_epochs(1)  # from now on every fit ends after its first epoch
    >>> ef.config.max_epochs()
    1
    >>> ef.config.set_max_epochs(None)
    """
    _limits["max_epochs"] = _checked_limit("max_epochs", max_epochs)


def max_steps_per_epoch() -> int | None:
    """The limit that `set_max_steps_per_epoch` set, else that of `KERAS_MAX_STEPS_PER_EPOCH` (environment), else None.

    >>> ef.config.set_max_steps_per_epoch(10)
    >>> ef.config.max_steps_per_epoch()
    10
    >>> ef.config.set_max_steps_per_epoch(None)
    """
    return _most("steps_per_epoch")


def set_max_steps_per_epoch(max_steps_per_epoch: int | None) -> None:
    """Limit every `fit`, `evaluate` and `predict` of this process to this many steps per epoch.

    Args:
        max_steps_per_epoch: at least 1, or None for no limit.

    Raises:
        ValueError: for anything else.

    >>> ef.config.set_max_steps_per_epoch(2)  # from now on every epoch ends after two batches
    >>> ef.config.max_steps_per_epoch()
    2
    >>> ef.config.set_max_steps_per_epoch(None)
    """
    _limits["max_steps_per_epoch"] = _checked_limit("max_steps_per_epoch", max_steps_per_epoch)


def _most(what: str) -> int | None:
    name, variable = f"max_{what}", f"KERAS_MAX_{what.upper()}"
    given = os.environ.get(variable)
    if _limits[name] is not None or not given:
        return _limits[name]
    return _checked_limit(variable, int(given) if given.isdecimal() else given)


def _checked_limit(name: str, value: object) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 1):
        return value
    raise ValueError(f"{name}={value!r}: expected an integer of at least 1, or None for no limit.")


def is_interactive_logging_enabled() -> bool:
    """Whether progress is written to the standard output, rather than to the log "eagerflow".

    >>> ef.config.is_interactive_logging_enabled()
    True
    """
    return bool(_switches["interactive_logging"])


def enable_interactive_logging() -> None:
    """Write progress to the standard output, which is the default.

    >>> ef.config.enable_interactive_logging()
    >>> ef.config.is_interactive_logging_enabled()
    True
    """
    _switches["interactive_logging"] = True


def disable_interactive_logging() -> None:
    """Writes progress to `logging.getLogger("eagerflow")`, at the level INFO, instead of the standard output.

    >>> ef.config.disable_interactive_logging()
    >>> ef.config.is_interactive_logging_enabled()
    False
    >>> ef.config.enable_interactive_logging()
    """
    _switches["interactive_logging"] = False


def is_traceback_filtering_enabled() -> bool:
    """Whether tracebacks leave out frames inside of eagerflow.

    >>> ef.config.enable_traceback_filtering()
    >>> ef.config.is_traceback_filtering_enabled()
    True
    """
    return bool(_switches["traceback_filtering"])


def enable_traceback_filtering() -> None:
    """Leave the frames inside eagerflow out of tracebacks, which is the default.

    >>> ef.config.enable_traceback_filtering()
    >>> ef.config.is_traceback_filtering_enabled()
    True
    """
    _switches["traceback_filtering"] = True


def disable_traceback_filtering() -> None:
    """Show every frame in tracebacks.

    >>> ef.config.disable_traceback_filtering()
    >>> ef.config.is_traceback_filtering_enabled()
    False
    >>> ef.config.enable_traceback_filtering()
    """
    _switches["traceback_filtering"] = False


def enable_unsafe_deserialization() -> None:
    """Makes every `load_model` behave as with `safe_mode=False`.

    Even then, code in files isn't run: a Lambda layer whose function is code in the file gets the function of that name
    in `custom_objects`.

    >>> ef.config.enable_unsafe_deserialization()  # from now on load_model(..., safe_mode=True) trusts files, too
    """
    _switches["unsafe_deserialization"] = True


def unsafe_deserialization() -> bool:
    """Whether `enable_unsafe_deserialization` was called."""
    return bool(_switches["unsafe_deserialization"])


def is_flash_attention_enabled() -> bool | None:
    """What was last set by `enable_flash_attention` or `disable_flash_attention`; None when neither was called.

    >>> ef.config.enable_flash_attention()
    >>> ef.config.is_flash_attention_enabled()
    True
    """
    return _switches["flash_attention"]


def enable_flash_attention() -> None:
    """Accepted for compatibility with Keras. Attention has one implementation here, so it changes no result.

    >>> ef.config.enable_flash_attention()
    >>> ef.config.is_flash_attention_enabled()
    True
    """
    _switches["flash_attention"] = True


def disable_flash_attention() -> None:
    """Accepted for compatibility with Keras. Attention has one implementation here, so it changes no result.

    >>> ef.config.disable_flash_attention()
    >>> ef.config.is_flash_attention_enabled()
    False
    """
    _switches["flash_attention"] = False


def is_nnx_enabled() -> bool:
    """Always False: NNX belongs to Keras' JAX backend.

    >>> ef.config.is_nnx_enabled()
    False
    """
    return False


def home() -> Path:
    """The folder for downloads and settings: `EAGERFLOW_HOME`, else `~/.eagerflow`. Not created here.

    >>> ef.config.home().is_absolute()
    True
    """
    return _home()


def _home() -> Path:
    return Path(os.environ.get("EAGERFLOW_HOME") or Path.home() / ".eagerflow")
