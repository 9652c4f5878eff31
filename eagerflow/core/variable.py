"""`Variable`: a tensor that can be assigned to, tracked by every tape while it is trainable.

Reading a variable gives a snapshot, as in TensorFlow: `assign` changes the array in place only when
nobody else can see its memory (no tape, no tensor made of it, no view: see `exclusive.py`; nor another
thread: see `writing.py`), and puts a new array in its place otherwise. A gradient is never computed from
values that came later.
"""

from __future__ import annotations

import inspect
import itertools
import math
import weakref
from types import FunctionType
from typing import TYPE_CHECKING, Any, NoReturn

import numpy

from eagerflow.base.config import floatx
from eagerflow.base.errors import signature_of
from eagerflow.base.machine.budget import take
from eagerflow.base.name_scope import in_scope
from eagerflow.base.tracebacks import shorten
from eagerflow.base.typing import Array, DType, Operand, TensorLike
from eagerflow.core.device import current_device, namespace_of
from eagerflow.core.dtypes import as_dtype, is_differentiable
from eagerflow.core.exclusive import exclusive_data
from eagerflow.core.in_place import SMALL, Writing, noted, owned, stored, undo
from eagerflow.core.links import above
from eagerflow.core.log import new_key
from eagerflow.core.observe import clock, current, state
from eagerflow.core.tensor import Tensor

__all__ = ["Variable", "changes", "variable_of"]

_names = itertools.count(1)
_by_key: weakref.WeakValueDictionary[int, Variable] = weakref.WeakValueDictionary()


class _Changes:
    """Counts changes to layers and variables anywhere: what was derived from them once holds until a counter moves.

    Attributes:
        count: of which layers and variables belong to a layer.
        settings: of attributes that were set on layers, and of `trainable`.
    """

    __slots__ = ("count", "settings")

    def __init__(self) -> None:
        self.count = self.settings = 0


changes = _Changes()


def variable_of(key: int | None) -> Variable | None:
    """The living variable which tapes know by `key`, if it is one."""
    return None if key is None else _by_key.get(key)


class Variable(Tensor):
    """A tensor that can be changed, by `assign`; weights of layers are variables.

    Args:
        initializer: the initial value (anything `convert_to_tensor` takes), an initializer's name, or a function
            `(shape, dtype=...)` that makes it.
        shape: the shape, needed when `initializer` is a function; checked otherwise.
        dtype: a type name; default: `floatx()` for functions, else the value's own type.
        trainable: whether tapes track it and optimizers change it.
        autocast: whether layers may see it in their compute type (mixed precision).
        aggregation: accepted for compatibility with Keras; it changes nothing.
        synchronization: accepted for compatibility with Keras; it changes nothing.
        name: shown in summaries, traces and messages.

    Raises:
        ValueError: when `shape` is missing or differs from the value's.

    >>> w = ef.Variable([1.0, 2.0], name="w")
    >>> with ef.GradientTape() as tape:
    ...     loss = (w * w).sum()
    >>> w.assign_sub(0.5 * tape.gradient(loss, w))
    Variable(2 float32, [0., 0.], name='w')
    """

    __slots__ = tuple(
        """
        _made_trainable _trainable aggregation autocast by_hand constraint identity name overwrite_with_gradient path
        regularizer synchronization
        """.split()
    )

    def __init__(
        self,
        initializer: Any,
        shape: Any = None,
        dtype: DType = None,
        trainable: bool = True,
        autocast: bool = True,
        aggregation: str = "none",
        synchronization: str = "auto",
        name: str | None = None,
    ) -> None:
        try:
            value = _initial_value(initializer, shape, dtype)
        except BaseException as error:
            shorten(error)
            raise
        ours = not isinstance(value.data, numpy.generic) and exclusive_data(value)
        super().__init__(value.data if ours else owned(value.data), None, None)
        self.identity = new_key()
        self.name = name or f"variable_{next(_names)}"
        self.path = in_scope(self.name)
        self.autocast = autocast
        self.aggregation = aggregation
        self.synchronization = synchronization
        self.regularizer: Any = None
        self.constraint: Any = None
        self.overwrite_with_gradient = False
        self._made_trainable = bool(trainable)
        self.trainable = trainable
        _by_key[self.identity] = self

    @property
    def trainable(self) -> bool:
        """Whether tapes track it by themselves, and optimizers change it.

        >>> steps = ef.Variable(0.0, trainable=False)
        >>> with ef.GradientTape() as tape:
        ...     y = 2 * steps
        >>> print(tape.gradient(y, steps))
        None
        """
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)
        changes.settings += 1
        self.by_hand = False  # True once a tape watched it without its being trainable: other tapes don't, then
        self.key = self.identity if value and is_differentiable(self.data.dtype) else None

    @property
    def frozen(self) -> bool:
        """Whether the variable was made trainable and isn't trainable now; always False for those made untrainable.

        >>> layer = ef.layers.BatchNormalization()
        >>> layer.build((None, 2))
        >>> layer.trainable = False
        >>> [w.name for w in layer.weights if w.frozen]
        ['gamma', 'beta']
        """
        return self._made_trainable and not self._trainable

    @property
    def value(self) -> Tensor:
        """A tensor with the present values, which later assignments don't change. Gradients flow through.

        >>> v = ef.Variable([1.0, 2.0])
        >>> before = v.value
        >>> _ = v.assign([3.0, 4.0])
        >>> before.tolist(), v.value.tolist()
        ([1.0, 2.0], [3.0, 4.0])
        """
        return Tensor(self.data, None, self.key)

    def read_value(self) -> Tensor:
        """The same as `value`, TensorFlow's spelling.

        >>> ef.Variable([1.0, 2.0]).read_value().tolist()
        [1.0, 2.0]
        """
        return self.value

    def assign(self, value: Operand) -> Variable:
        """Sets all values.

        Args:
            value: anything with the variable's shape; converted to its type.

        Raises:
            ValueError: for another shape.

        >>> v = ef.Variable([1.0, 2.0], name="v")
        >>> v.assign([3, 4]).numpy()
        array([3., 4.], dtype=float32)
        >>> v.assign([1.0, 2.0, 3.0])
        Traceback (most recent call last):
            ...
        ValueError: Variable 'v'.assign(value): expected shape (2,); got float32[3].
        """
        started = clock()
        array = self._incoming(value, "assign")
        self._changes()
        if not isinstance(value, Tensor):  # a fresh array, then
            self._replace(array)
        elif array.nbytes <= SMALL:
            self._replace(owned(array))
        else:
            with self.changing() as target:
                target[...] = array
        return self._changed("assign", value, started)

    def assign_add(self, value: Operand) -> Variable:
        """Adds `value` to the values, broadcast if needed.

        Args:
            value: what is added: anything that a tensor can be made of.

        >>> v = ef.Variable([1.0, 2.0])
        >>> v.assign_add(10.0).numpy()
        array([11., 12.], dtype=float32)
        """
        started = clock()
        array = self._incoming(value, "assign_add", broadcast=True)
        self._changes()
        self.increase(array)
        return self._changed("assign_add", value, started)

    def assign_sub(self, value: Operand) -> Variable:
        """Subtracts `value` from the values, broadcast if needed.

        Args:
            value: what is subtracted: anything that a tensor can be made of.

        >>> v = ef.Variable([1.0, 2.0])
        >>> v.assign_sub([1.0, 0.5]).numpy()
        array([0. , 1.5], dtype=float32)
        """
        started = clock()
        array = self._incoming(value, "assign_sub", broadcast=True)
        self._changes()
        with self.changing() as target:
            target -= array
        return self._changed("assign_sub", value, started)

    def increase(self, amount: Array) -> None:
        """Add raw numbers, without a word to observers: for counters and sums.

        >>> v = ef.Variable([1.0, 2.0])
        >>> v.increase(np.float32(1.0))
        >>> v.numpy()
        array([2., 3.], dtype=float32)
        """
        data = self.data
        if not data.shape and data.__class__ is numpy.ndarray:  # Python adds two numbers faster than NumPy does
            self._replace(numpy.array(data.item() + amount, data.dtype))
        elif data.nbytes > SMALL:
            del data  # a reference would have it copied
            with self.changing() as target:
                target += amount
        else:
            array = data.copy()
            array += amount
            self._replace(array)

    def clear(self) -> None:
        """Set all values to zero, without a word to observers.

        >>> v = ef.Variable([1.0, 2.0])
        >>> v.clear()
        >>> v.numpy()
        array([0., 0.], dtype=float32)
        """
        data = self.data
        if data.nbytes > SMALL:
            del data
            with self.changing() as target:
                target[...] = 0
        else:
            xp = numpy if data.__class__ is numpy.ndarray else namespace_of(data)
            self._replace(xp.zeros(data.shape, data.dtype))

    def changing(self) -> _Changing:
        """`with v.changing() as array:` the raw array, to be changed in place; nobody sees it until the block ends.

        For optimizers, metrics and layers; announce the change with `observe`. No user code may run inside.

        >>> v = ef.Variable([1.0, 2.0])
        >>> with v.changing() as array:
        ...     array *= 10
        >>> v.numpy()
        array([10., 20.], dtype=float32)
        """
        return _Changing(self)

    def _replace(self, array: Array) -> None:
        if undo.get() is not None:
            noted(self)
        self.data = array

    def _incoming(self, value: TensorLike, method: str, broadcast: bool = False) -> Any:
        array = value.data if isinstance(value, Tensor) else Tensor(value, device=self.device).data
        namespace_of(array, self.data)  # raises when the devices differ
        shape = array.shape
        fits = shape == self.shape or (broadcast and _broadcasts(shape, self.shape))
        if not fits:
            told = f"Variable {self.path!r}.{method}(value): expected shape {self.shape}; got {signature_of(array)}."
            raise ValueError(told)
        return array if array.dtype == self.data.dtype else array.astype(self.data.dtype)

    def _changes(self) -> None:
        if state.ops:
            for observer in current():
                observer.on_change(self)

    def _changed(self, method: str, value: TensorLike, started: int) -> Variable:
        if state.ops:
            ended = clock()
            for observer in current():
                observer.on_update(method, self, (value,), started, ended)
        return self

    if not TYPE_CHECKING:  # to type checkers these are mistakes; NoReturn would end the program there

        def __setitem__(self, index: Any, value: TensorLike) -> NoReturn:
            raise TypeError(
                "variables change by assign(), assign_add() and assign_sub(). For a part: "
                "v.assign(ops.slice_update(v, start, value)) or v.assign(ops.scatter_update(v, indices, value))."
            )

        def __iadd__(self, value: TensorLike) -> NoReturn:
            raise TypeError(f"Variable {self.path!r}: write v.assign_add(value) instead of v += value.")

        def __isub__(self, value: TensorLike) -> NoReturn:
            raise TypeError(f"Variable {self.path!r}: write v.assign_sub(value) instead of v -= value.")

    def __copy__(self) -> Variable:
        return self.__deepcopy__({})

    def __deepcopy__(self, memo: dict[int, Any]) -> Variable:
        made = _rebuild(*self.__reduce__()[1])
        memo[id(self)] = made
        return made

    def __reduce__(self) -> Any:
        plain = (type(self), self.numpy(), self.trainable, self.autocast, self.name, self.path)
        return _rebuild, (*plain, self.regularizer, self.constraint, self.overwrite_with_gradient)

    def __repr__(self) -> str:
        return Tensor(self.data, None, None)._shown("Variable", f", name={self.path!r}")


class _Changing:
    """See `Variable.changing`. A small array is copied and replaced; a large one leaves its place meanwhile."""

    __slots__ = ("array", "variable", "writing")

    def __init__(self, variable: Variable) -> None:
        self.variable = variable

    def __enter__(self) -> Any:
        data = stored(self.variable)
        if data.nbytes <= SMALL:
            self.writing = None
            self.array = data.copy()
        else:
            del data
            self.writing = Writing((self.variable,))
            (self.array,) = self.writing.__enter__()
        return self.array

    def __exit__(self, *exc: object) -> None:
        if self.writing is not None:
            self.writing.__exit__()
        elif exc[0] is None:
            self.variable._replace(self.array)


def _rebuild(
    kind: type[Variable],
    values: numpy.ndarray,
    trainable: bool,
    autocast: bool,
    name: str,
    path: str,
    regularizer: Any = None,
    constraint: Any = None,
    overwrite_with_gradient: bool = False,
) -> Variable:
    made = kind(values, dtype=values.dtype.name, trainable=trainable, autocast=autocast, name=name)
    made.path, made.regularizer, made.constraint = path, regularizer, constraint
    made.overwrite_with_gradient = overwrite_with_gradient
    return made


def _called(initializer: Any, shape: Any, dtype: DType) -> Any:
    """What an initializer gives; a plain function may leave the type to us, and Keras 1's take a name."""
    if isinstance(initializer, FunctionType):
        code = initializer.__code__
        takes_anything = code.co_flags & inspect.CO_VARKEYWORDS
        known = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        if not takes_anything and "dtype" not in known:
            nameless = len(initializer.__defaults__ or ()) < code.co_argcount - 1
            return initializer(shape, None) if nameless and known[1] == "name" else initializer(shape)
    return initializer(shape, dtype=dtype)


def _initial_value(initializer: Any, shape: Any, dtype: DType) -> Tensor:
    if callable(initializer) and not isinstance(initializer, Tensor):
        if shape is None:
            try:
                return Tensor(initializer(), dtype)
            except TypeError as error:
                raise ValueError(
                    f"Variable(initializer={initializer!r}): a function needs shape=... as well. ({error})"
                ) from None
        wanted = _as_shape(shape)
        dtype = floatx() if dtype is None else dtype
        take(math.prod(wanted) * as_dtype(dtype).itemsize, f"a weight of shape {wanted}")
        value = _taken(_called(initializer, wanted, dtype), dtype)
    elif isinstance(initializer, str):
        if shape is None:
            raise ValueError(f"Variable(initializer={initializer!r}): an initializer needs shape=... as well.")
        return _initial_value(above.initializer_named(initializer), shape, dtype)
    else:
        value = Tensor(initializer, dtype)
        wanted = value.shape if shape is None else _as_shape(shape)
    if value.shape != wanted:
        raise ValueError(f"Variable(shape={wanted}): the initial value has another shape, {value.shape}.")
    return value


def _taken(value: TensorLike, dtype: DType) -> Tensor:
    """A tensor of that type on the current device; with the very array of a tensor that is such already."""
    if isinstance(value, Tensor) and value.dtype == as_dtype(dtype) and value.device == current_device():
        return Tensor(value.data, None, None)
    return Tensor(value, dtype)


def _as_shape(shape: Any) -> tuple[int, ...]:
    dims = (shape,) if isinstance(shape, int) else tuple(shape)
    for n in dims:
        if n is None or isinstance(n, (bool, float)) or int(n) < 0:
            raise ValueError(f"Variable(shape={shape!r}): every length must be an integer of at least 0; got {n!r}.")
    return tuple([int(n) for n in dims])


def _broadcasts(shape: tuple[int, ...], onto: tuple[int, ...]) -> bool:
    if len(shape) > len(onto):
        return False
    return all(n in (1, m) for n, m in zip(reversed(shape), reversed(onto), strict=False))
