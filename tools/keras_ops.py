"""Print the table in eagerflow/models/keras_ops.py: Keras' classes of ops, their call's arguments, and their settings.

Run with the Python of an environment that has Keras.
"""

import importlib
import inspect
import textwrap

import keras
from keras.src.ops.operation import Operation
from keras.src.utils.naming import to_snake_case

MODULES = ("numpy", "nn", "math", "core", "image", "linalg", "einops")


def names(function, first=1):
    """The parameters that count."""
    skipped = {"name", "kwargs", "self"}
    found = list(inspect.signature(function).parameters.values())[first:]
    return [("*" if p.kind is p.VAR_POSITIONAL else "") + p.name for p in found if p.name not in skipped]


def entry(kind):
    """`Sum(x|axis,keepdims)`, with the name of the function before it where that isn't the class's in snake case."""
    public = {*dir(keras.ops), *dir(keras.ops.image)}
    snake = to_snake_case(kind.__name__)
    function = next((n for n in (snake, snake.replace("_", ""), kind.__name__.lower()) if n in public), None)
    if function is None:
        return None
    settings = names(kind.__init__, 1) if kind.__init__ is not Operation.__init__ else []
    prefix = "" if function == snake else f"{function}="
    return f"{prefix}{kind.__name__}({','.join(names(kind.call, 1))}{'|' if settings else ''}{','.join(settings)})"


for name in MODULES:
    module = importlib.import_module(f"keras.src.ops.{name}")
    kinds = [c for c in vars(module).values() if isinstance(c, type) and issubclass(c, Operation)]
    entries = sorted(filter(None, (entry(c) for c in kinds if c.__module__ == module.__name__)))
    print(textwrap.fill(f"{name}: {' '.join(entries)}", 108, break_long_words=False, break_on_hyphens=False))
