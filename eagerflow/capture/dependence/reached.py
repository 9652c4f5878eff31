"""All that a step reaches: what functions of the user's that ran name and enclose, and what lies behind it.

Not looked into are optimizers and metrics, which are called in each replay, and what is taken as fixed: functions and
classes of eagerflow, of the standard library and of installed packages (their objects are looked into).
"""

from __future__ import annotations

import abc
import builtins
import copyreg
import functools
import gc
import inspect
import sys
import weakref
from collections import defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Iterator
from contextvars import ContextVar
from types import BuiltinFunctionType, CellType, FunctionType, MethodType, MethodWrapperType, ModuleType
from typing import Any

import numpy

from eagerflow.base.capturing import Shared
from eagerflow.capture.dependence import asked
from eagerflow.capture.dependence.as_held import as_held
from eagerflow.capture.dependence.attributes import (
    NOTHING,
    has_property,
    is_dead_proxy,
    is_settled,
    living,
    looked_up,
    names_of_attributes,
    names_of_ours,
    private_names,
    public_names,
    settings,
    variables_in,
)
from eagerflow.capture.dependence.kept import Kept
from eagerflow.capture.dependence.kinds import (
    BUFFERS,
    LARGEST,
    OF_PYTHON,
    RAW,
    TOLD_ABOUT_CLASSES,
    TOLD_BY_CLASSES,
    TOLD_BY_FUNCTIONS,
    TOLD_BY_VARIABLES,
    VIEWS,
    attributes_of,
    data_of,
    held_by,
    is_constant,
    is_fixed,
    is_holding,
    is_mapping,
    is_opaque,
    pretends,
    reads_any_attribute,
    slots_of,
)
from eagerflow.capture.dependence.names import ASKING, Names, compares_values, function_of, named_in, resolved
from eagerflow.capture.dependence.own_state import stored_inside
from eagerflow.capture.dependence.parts import Part, Scope, is_heard
from eagerflow.capture.dependence.registered import goes_by_locale, registered
from eagerflow.capture.dependence.weak import is_weak, referent_of, refers
from eagerflow.capture.hearing.acting import acts_when_called, is_computing
from eagerflow.capture.hearing.calls import is_of_a_library, is_our_code, is_written_for_a_namedtuple
from eagerflow.capture.hearing.codes import Codes
from eagerflow.capture.hearing.unheard import may_act_when_made
from eagerflow.capture.hearing.whose import LIBRARIES, is_ours, is_unheard, is_users, is_users_module
from eagerflow.core.device import is_device_array
from eagerflow.core.tensor import Tensor
from eagerflow.core.variable import Variable
from eagerflow.layer.layer import Layer

__all__ = ["Held"]

# Set on classes of ours whose methods are called in each replay, which aren't looked into but for these attributes.
_OWN_STATE = "_called_again_but"
# Of layers and models: what calls keep there for the next one, and what training tells.
_CACHES = frozenset(
    """
    _all_weights _build_shapes _calls _fitted_from _fixed _gathered _held _losses _output_sizes _path history
    stop_evaluating stop_predicting stop_training
    """.split()
)
_RUN = frozenset({"_own_weights", "_sequence"})  # lists that may grow: weights, and the layers that a call goes through
_MOST = 200_000  # objects that are looked into: some seconds
_COLLECTIONS = (list, tuple, set, frozenset, deque, dict, *VIEWS)


class Held:
    """All that a step reaches.

    Args:
        function: the step.
        codes: functions of the user's that ran in it before, with their globals.
        inside: of them, those that ran in what each replay calls again; they run in replays, too.
        outside: those that ran beside.
        shared: what the whole process shares, and functions that ran ask for.
        kept: attributes of layers that the step leaves there, and doesn't read before.

    Attributes:
        variables: those among it.
        tensors: those among it that are no variables, by their identities.
        has_tensor_keys: whether any is a key of a dict, or stands in a set.
        layers: those among it.
        containers: collections, and the attributes of objects and classes, with how to name them.
        passed_over: attributes that don't count, of objects by the identity of their `__dict__`.
        classes: our own classes, whose methods somebody may exchange, with the names of data in them that code names.
        buffers: `bytearray` and the like.
        arrays: NumPy arrays that somebody may change.
        fixed: those that can't be changed, for now, with their names.
        large: those of tensors that are too large to be compared.
        scopes: what code names of modules.
        of_libraries: what it names of modules and classes of libraries.
        cells: variables of functions around, with their values and names.
        functions: those that ran.
        attributes: single attributes that count.
        objects: layers and objects of classes that aren't ours, whose class or `__dict__` may be set.
        asked: what is called to learn a value: of context variables, whether weak references are alive.
        registered: codecs of the user's, and what handles errors of codecs.
        weak: what weak references refer to, with how to name these.
        strong: identities of what is reached in another way.
        unknown: what may change unseen, in words.
        reads_in_order: whether code may go through the attributes of an object, whose order then counts.
        goes_by_objects: whether the step may ask whether one thing is another that is equal.
        asks_for_device: whether the chosen device counts.
        has_abstract: whether classes may be registered as others' subclasses.
    """

    asks_for_device = True

    def __init__(
        self,
        function: Callable[..., Any],
        codes: Codes,
        inside: Codes | None = None,
        outside: Codes | None = None,
        shared: Collection[Shared] = (),
        kept: Iterable[Kept] = (),
    ) -> None:
        self._inside, self._outside, self._kept = inside or Codes(), outside or Codes(), kept
        names = named_in(codes)
        self._look(function, codes, names, shared)
        if self._reads_any and not names.any:  # by a name of its own, such as `look = getattr`
            self._look(function, codes, names._replace(any=True), shared)

    def _look(self, function: Callable[..., Any], codes: Codes, names: Names, shared: Collection[Shared]) -> None:
        self.variables: dict[int, Variable] = {}
        self.tensors: dict[int, Tensor] = {}
        self.layers: list[Layer] = []
        self.containers: dict[int, tuple[Any, str]] = {}
        self.classes: dict[type, frozenset[str]] = {}
        self.passed_over: dict[int, frozenset[str]] = {}
        self.buffers: list[tuple[Any, str]] = []
        self.arrays: dict[int, tuple[numpy.ndarray, str, bool]] = {}
        self.large, self.fixed = list[numpy.ndarray](), list[tuple[numpy.ndarray, str]]()
        self.scopes: dict[int, Scope] = {}
        self.of_libraries: dict[int, Scope] = {}
        self.goes_by_objects = compares_values(codes)
        self.cells: dict[int, tuple[Any, Any, str]] = {}
        self.functions: list[FunctionType] = []
        self.attributes: list[tuple[Any, str]] = []
        self.objects: dict[int, tuple[Any, str]] = {}
        self.asked: list[tuple[Callable[[], Any], Any, str]] = []
        self.registered, self.unknown = registered(names.scope | names.attributes)
        self.weak: list[tuple[Any, str]] = []
        self.strong: set[int] = set()
        self.has_abstract = self.has_tensor_keys = self._has_decimals = self._copies = self._reads_any = False
        self.reads_in_order, self._by_locale = names.any, names.by_locale
        self._codes, self._names = codes, names
        self._seen: dict[int, list[tuple[bool, bool]]] = {}
        self._classes: set[tuple[int, bool]] = set()
        self._keep: list[Any] = []
        for part in self._of_our_class(Tensor):
            self.reach(*part[:3])
        self.reach(function, getattr(function, "__name__", "the step"))
        self._of_codes()
        self.asked += asked.asked_for(names.scope | names.attributes, shared, self._has_decimals, self._by_locale)
        self.containers.update((id(each.state), (each.state, each.name)) for each in shared if each.is_table)
        for each in self.registered:
            self.reach(each.reached(), each.name, named=each.is_named)
        if self._copies:
            self.reach(copyreg.dispatch_table, "copyreg.dispatch_table")
        if names.texts and (self.arrays or id(numpy) in self._seen):
            self.asked.append((asked.printing, asked.printing(), "numpy.get_printoptions()"))

    def reach(self, thing: Any, name: str, counts: bool = True, named: bool = True, is_weak: bool = False) -> None:
        """Go through what `thing` holds; a `Part` tells what the arguments mean."""
        waiting = [Part(thing, name, counts, named, is_weak)]
        while waiting and len(self._keep) < _MOST:
            part = waiting.pop()
            if part.is_weak:
                part = part._replace(is_weak=False)
            else:
                self.strong.add(id(part.thing))
            self._has_decimals = self._has_decimals or asked.computes_with_decimals(part.thing)
            self._copies = self._copies or asked.copies_objects(part.thing)
            self._by_locale = self._by_locale or goes_by_locale(part.thing)
            # What `getattr` is given by this name the instructions tell.
            self._reads_any = self._reads_any or (reads_any_attribute(part.thing) and part.name not in ASKING)
            if not is_dead_proxy(part.thing) and not is_constant(part.thing) and self._is_new(part):
                waiting += self._parts(part)
        if waiting and not self.unknown:
            self.unknown.append(f"{name}, by which the step reaches more than {_MOST:,} objects,")

    def _is_new(self, part: Part) -> bool:
        before = self._seen.setdefault(id(part.thing), [])
        if any(counts >= part.counts and named >= part.named for counts, named in before):
            return False
        before.append((part.counts, part.named))
        self._keep.append(part.thing)
        return True

    def _parts(self, part: Part) -> Iterator[Part]:
        thing = part.thing
        if part.named and not part.counts and is_users(type(thing)):
            part = part._replace(counts=True)  # what nodes of a model hand to the user's layers
        yield from self._of_our_class(type(thing))
        if is_weak(thing):
            yield from self._of_weak(part)
            return
        if pretends(thing) and not issubclass(type(thing), (Tensor, Layer)):
            yield from self._of_collection(part) if issubclass(type(thing), _COLLECTIONS) else ()
        elif isinstance(thing, Variable):
            self.variables[id(thing)] = thing
            yield from self._of_variable(part)
        elif isinstance(thing, Tensor):
            self.tensors[id(thing)] = thing
            if type(thing) is Tensor or is_users(type(thing)):
                parts = self._of_attributes(part, ("data", "mask", "logits"))
                yield from (each for each in parts if not self._is_only_of_tensors(each))
            if not is_users(type(thing)):
                return
        elif isinstance(thing, Layer):
            yield from self._of_layer(part)
            return
        elif hasattr(type(thing), _OWN_STATE):
            yield from self._of_own_state(part)
            return
        elif is_device_array(thing):  # whose values can't be compared without waiting for the device
            self._of_opaque(part)
            return
        elif is_opaque(thing):
            self._of_opaque(part)
        elif isinstance(thing, _COLLECTIONS):
            yield from self._of_collection(part)
        else:
            yield from self._of_kind(part)
        if not issubclass(type(thing), (type, ModuleType, FunctionType)):
            yield from self._of_object(part)

    def _is_only_of_tensors(self, part: Part) -> bool:
        """Whether this is the array of a tensor, which nobody else changes, and is too large to be compared."""
        if isinstance(part.thing, numpy.ndarray) and part.thing.nbytes > LARGEST:
            if part.counts and part.named:
                self.large.append(part.thing)
            return True
        return is_device_array(part.thing)

    def _of_opaque(self, part: Part) -> None:
        if part.counts and part.named:
            self.unknown.append(f"{part.name} ({type(part.thing).__name__})")

    def _of_variable(self, part: Part) -> Iterator[Part]:
        named = self._names.attributes & TOLD_BY_VARIABLES
        yield from self._of_attributes(part, ("autocast", "regularizer", *sorted(named)))

    # -- collections

    def _of_collection(self, part: Part) -> Iterator[Part]:
        thing, name = part.thing, part.name
        if part.counts and not isinstance(thing, (tuple, frozenset)):
            self.containers[id(thing)] = (thing, name)
        if thing is vars(builtins):  # who calls what is in it is heard
            return
        if isinstance(thing, defaultdict):
            yield from self._of_attributes(part, ("default_factory",))
        thing = as_held(thing)
        if not isinstance(part.thing, (list, tuple, deque)):  # whose entries are found by what they are
            self.has_tensor_keys = self.has_tensor_keys or any(type(key) is Tensor for key in thing)
        if is_mapping(part.thing):
            for key, value in thing.items():
                named = part.named and (part.thing is not sys.modules or self._names_module(key))
                yield part._replace(thing=value, name=f"{name}[{key!r}]", named=named)
                yield part._replace(thing=key, name=f"a key of {name}")
        else:
            yield from (part._replace(thing=value, name=f"{name}[...]") for value in thing)

    # -- what is neither a layer nor a collection

    def _of_kind(self, part: Part) -> Iterator[Part]:
        thing, name = part.thing, part.name
        if isinstance(thing, numpy.ndarray):
            yield from self._of_array(part)
        elif isinstance(thing, BaseException):
            yield from self._of_attributes(part, ("args", "__cause__", "__context__"))
        elif isinstance(thing, BUFFERS):
            if part.counts:
                self.buffers.append((thing, name))
        elif isinstance(thing, FunctionType):
            yield from self._of_function(part)
        elif isinstance(thing, CellType):
            yield from self._of_cell(thing, name)
        elif isinstance(thing, MethodType):
            yield part._replace(thing=thing.__self__, name=name.rpartition(".")[0] or name)
            yield part._replace(thing=thing.__func__)
        elif isinstance(thing, (BuiltinFunctionType, MethodWrapperType)):
            if part.counts and part.named and (acting := acts_when_called(thing)) is not None:
                self.unknown.append(f"what {name} gives ({acting})")
            if not isinstance(thing.__self__, ModuleType):
                yield part._replace(thing=thing.__self__, name=name.rpartition(".")[0] or name)
        elif is_holding(thing):
            yield from (part._replace(thing=each) for each in held_by(thing))
        elif isinstance(thing, functools.partial):
            yield from self._of_attributes(part, ("func", "args", "keywords"))
        elif isinstance(thing, property):
            yield from self._of_attributes(part, ("fget", "fset", "fdel"))
        elif isinstance(thing, (staticmethod, classmethod)):
            yield part._replace(thing=thing.__func__)
        elif isinstance(thing, asked.CACHED):
            yield from self._of_cached(part)
        elif isinstance(thing, ContextVar):
            yield from self._of_asked(part, functools.partial(asked.value_of, thing))
        elif isinstance(thing, ModuleType):
            yield from self._of_module(part)
        elif isinstance(thing, type):
            if part.counts and part.named and may_act_when_made(thing):
                self.unknown.append(f"what {name} makes ({thing.__module__}.{thing.__qualname__})")
            if not is_users(thing) and part.counts and part.named:
                yield from self._of_our_class(thing)
                self._of_library(vars(thing), id(thing), f"{thing.__name__}.", data_of(thing))
            yield from self._of_class(part)

    def _of_weak(self, part: Part) -> Iterator[Part]:
        """A weak reference or proxy, whose object may go, but not be another one."""
        thing, there = part.thing, referent_of(part.thing)
        self.asked.append((functools.partial(refers, thing), refers(thing), part.name))
        if there is None and refers(thing):
            self._of_opaque(part)
        elif there is not None:
            if part.counts and part.named:
                self.weak.append((there, part.name))
            yield part._replace(thing=there, is_weak=True)
        if type(thing) not in weakref.ProxyTypes:  # classes of references may be the user's
            yield from self._of_object(part)

    def _of_asked(self, part: Part, ask: Callable[[], Any]) -> Iterator[Part]:
        if part.counts and part.named:
            found = ask()
            self.asked.append((ask, found, part.name))
            if found is not NOTHING:
                yield part._replace(thing=found)

    def _of_cached(self, part: Part) -> Iterator[Part]:
        """A function whose results are stored: they count, not what they were computed from."""
        results, name = asked.Results(part.thing), f"what {part.name} has cached"
        if part.counts and part.named and not is_unheard(inspect.unwrap(part.thing)):
            if results.known and results.has_room:
                self.asked.append((results.as_before, True, name))
            else:
                most = part.thing.cache_info().maxsize
                self.unknown.append(name if most is None else f"{name}, of which it drops all but {most} results,")
        yield from (part._replace(thing=each, name=name) for each in results)

    def _of_attributes(self, part: Part, names: Iterable[str]) -> Iterator[Part]:
        """Single attributes, which aren't in a `__dict__`."""
        for name in names:
            value = looked_up(part.thing, name)
            if part.counts:
                self.attributes.append((part.thing, name))
            if value is not NOTHING:
                yield part._replace(thing=value, name=f"{part.name}.{name}")

    def _of_array(self, part: Part) -> Iterator[Part]:
        values = part.thing
        # Whoever owns the memory may make it writable for a moment: those that are quickly compared are.
        if part.counts and values.nbytes > LARGEST and is_fixed(values):
            self.fixed.append((values, part.name))
        elif part.counts:
            named = part.named or self.arrays.get(id(values), (None, "", False))[2]
            self.arrays[id(values)] = (values, part.name, named)
        if values.dtype.hasobject:  # also where it is a field of records
            yield from (part._replace(thing=each, name=f"{part.name}[...]") for each in values.ravel().tolist())

    def _of_object(self, part: Part) -> Iterator[Part]:
        """Attributes in `__dict__` and in slots, and what the class of the user's gives."""
        thing, name = part.thing, part.name
        own = attributes_of(thing)
        kind: Any = type(thing)
        settled, ours = is_settled(thing), is_ours(kind)
        unheard = is_unheard(type(thing))  # what its methods name nobody knows
        # Nor of these, which may hold anything, and of the library's own objects that a step may go on with.
        package = not (ours or unheard or is_users(type(thing))) or (unheard and is_computing(type(thing)))
        if isinstance(own, dict):
            if part.counts and not settled:
                self.containers[id(own)], self.passed_over[id(own)] = (own, name), frozenset()
                if not (ours or isinstance(thing, MethodType)):  # whose attributes are the function's
                    self.objects[id(thing)] = (thing, name)
            if not (ours or package) and not RAW.isdisjoint(own) and part.named:
                self.unknown.append(f"the memory that {name} hands out")
            for key, value in living(own):
                held = unheard and isinstance(value, (numpy.ndarray, *_COLLECTIONS))
                by_us = ours or key in names_of_ours(kind)
                named = part.named and (package or by_us or self._names.reads(key) or held)
                if settled and part.counts and self._is_put_there(thing, key):
                    self.attributes.append((thing, key))
                    yield Part(value, f"{name}.{key}", True, named)
                else:
                    yield Part(value, f"{name}.{key}", part.counts and not settled, named)
        if settled and type(own) is dict:
            self._of_missing(part, self._names.attributes, self._names.any)
        for key in () if ours else slots_of(type(thing)):
            named = part.named and (package or unheard or self._names.reads(key))
            yield from self._of_attributes(part._replace(named=named), (key,))
        if is_users(type(thing)):
            if part.counts:
                self.objects[id(thing)] = (thing, name)
            yield Part(type(thing), type(thing).__name__, True, part.named)

    def _is_put_there(self, thing: Any, key: str) -> bool:
        """Whether code reads an attribute of an object of ours that is the user's, or that users may set, too."""
        is_named = key in self._names.attributes or key in self._names.scope
        if key in names_of_ours(thing.__class__):
            return is_named and not key.startswith("_") and is_constant(vars(thing)[key])
        return is_named or (self._names.any and key not in private_names())

    def _of_class(self, part: Part) -> Iterator[Part]:
        """A class of the user's: its attributes and methods, those of its bases and of its own class."""
        for kind in (*part.thing.__mro__, *type(part.thing).__mro__):
            if is_users(kind) and (id(kind), part.named) not in self._classes:
                self._classes.add((id(kind), part.named))
                own = vars(kind)
                self.containers[id(kind)], self.passed_over[id(kind)] = (own, kind.__name__), frozenset()
                self.has_abstract = self.has_abstract or isinstance(kind, abc.ABCMeta)
                named_here = ["__mro__", *(self._names.attributes & TOLD_BY_CLASSES)]  # bases may be exchanged
                self.attributes += [(kind, name) for name in named_here]
                for key, value in list(own.items()):
                    if self._counts_in_class(key, value):
                        is_protocol = key.startswith("__") and callable(value)  # nobody names `__call__`
                        named = part.named and (is_protocol or self._names.reads(key))
                        yield Part(value, f"{kind.__name__}.{key}", True, named)

    def _counts_in_class(self, key: str, value: Any) -> bool:
        """Whether what a class of the user's holds under a name isn't Python's own."""
        if key == "__dataclass_fields__" and "fields" in self._names.attributes | self._names.scope:
            return True
        if key in TOLD_ABOUT_CLASSES:
            return self._names.reads(key)
        return key not in OF_PYTHON or isinstance(value, (FunctionType, staticmethod))

    def _of_our_class(self, kind: type) -> Iterator[Part]:
        """Classes of ours stay as they are, unless somebody exchanges a method or puts a number there.

        `Dense.call = my_call`, `Model.temperature = 2.0`: the latter counts where code names it, since our classes may
        note numbers for themselves.
        """
        for each in [] if kind in self.classes else kind.__mro__:
            if is_ours(each) and each not in self.classes:
                self.classes[each] = named = frozenset(filter(self._is_asked_for, data_of(each)))
                yield from (Part(vars(each)[key], f"{each.__name__}.{key}", True, True) for key in named)

    def _is_asked_for(self, name: str) -> bool:
        return name in self._names.attributes or (self._names.any and not name.startswith("_"))

    # -- layers, and what is called in each replay

    def _of_layer(self, part: Part) -> Iterator[Part]:
        """What a layer holds. Its own notes (`_tracked`, ...) lead to other layers and variables, and don't count."""
        layer, name = part.thing, part.name
        name = layer.name if "._" in name else name  # ours alone: the list of a model's layers, say
        own = vars(layer)
        self.layers.append(layer)
        self.objects[id(layer)] = (layer, name)
        passed_over = _CACHES - self._names.attributes  # users may read them, or have such names of their own
        passed_over |= {each.key for each in self._kept if each.layer is layer}
        self.containers[id(own)], self.passed_over[id(own)] = (own, name), passed_over
        users = is_users(type(layer))
        for key, value in living(own):
            if key not in passed_over:
                own_state = hasattr(type(value), _OWN_STATE)
                named = self._names.reads(key) or own_state or key in names_of_ours(layer.__class__)
                ran = not key.startswith("_") or key in _RUN
                counts = ran or own_state or (users and named) or self._is_put_there(layer, key)
                yield Part(value, f"{name}.{key}", counts, named)
        if users:
            yield Part(type(layer), type(layer).__name__, True, True)

    def _of_own_state(self, part: Part) -> Iterator[Part]:
        thing = part.thing
        own = getattr(thing, _OWN_STATE)
        # What code of the user's names that ran beside such calls may be read by the step, also its own methods.
        outside = named_in(self._outside)
        if has_property(type(thing), outside.attributes):  # which runs in the step, and reads what it names
            outside = self._names
        names = outside.attributes
        if outside.any:  # `getattr(optimizer, name)`
            names = names | {name for name in names_of_attributes(thing) if not name.startswith("_")}
        self._of_missing(part, names, outside.any)
        read = list(settings(thing, names))
        if part.counts and not (changed := stored_inside(type(thing), self._inside).intersection(read)) <= {*own}:
            self.unknown.append(f"{part.name}.{min(changed)}, which its own methods set,")
        yield from self._of_attributes(part, dict.fromkeys((*own, *read)))
        for name in sorted(names):
            if part.counts and (there := variables_in(thing, name)) is not None:
                self.asked.append((functools.partial(variables_in, thing, name), there, f"{part.name}.{name}"))
        for variable in getattr(thing, "variables", ()):
            if isinstance(variable, Variable):
                yield part._replace(thing=variable)
        if is_users(type(thing)):  # methods may have been recorded, too: a metric's `result`
            yield Part(type(thing), type(thing).__name__, part.counts, part.named)

    def _of_missing(self, part: Part, names: Iterable[str], any_name: bool) -> None:
        """Attributes that an object doesn't have itself: it may get them, and methods of its class be replaced there.

        Args:
            part: the object.
            names: what code names.
            any_name: whether code also takes attributes that it doesn't name.
        """
        own, attribute = vars(part.thing), part.name.rpartition(".")[2] if "." in part.name else ""
        by_ours_alone = attribute.isidentifier() and not self._names.reads(attribute)  # as `dropout.seed_generator`
        if part.counts and part.named and not by_ours_alone:
            if missing := {name for name in names if name not in own}:
                self.scopes[id(own)] = Scope(own, f"{part.name}.", missing)
            if any_name:
                ask = functools.partial(public_names, own)
                self.asked.append((ask, ask(), f"the attributes of {part.name}"))

    # -- functions, and what they name

    def _of_function(self, part: Part) -> Iterator[Part]:
        function = part.thing
        inner = getattr(function, "__wrapped__", None)
        if inner is not None:
            yield part._replace(thing=inner)
        if is_our_code(function.__code__):
            return
        ran = function.__code__ in self._codes
        if ran or is_written_for_a_namedtuple(function.__code__, str(function.__globals__.get("__name__"))):
            self.functions.append(function)
        own = vars(function)
        if ran or own or not is_of_a_library(function.__code__.co_filename):
            self.containers[id(own)], self.passed_over[id(own)] = (own, function.__name__), frozenset()
            yield from (Part(v, f"{function.__name__}.{k}", True, True) for k, v in list(own.items()))
            yield from self._of_attributes(part, sorted(self._names.attributes & TOLD_BY_FUNCTIONS))
        if ran or not self._codes or is_of_a_library(function.__code__.co_filename):
            yield from (part._replace(thing=each) for each in function.__defaults__ or ())
            yield part._replace(thing=function.__kwdefaults__)
            for variable, cell in zip(function.__code__.co_freevars, function.__closure__ or ()):
                yield from self._of_cell(cell, variable)

    def _of_cell(self, cell: CellType, name: str) -> Iterator[Part]:
        try:
            value = cell.cell_contents
        except ValueError:  # nothing has been put there yet
            value = NOTHING
        self.cells[id(cell)] = (cell, value, name)
        if value is not NOTHING:
            yield Part(value, name, True, self._may_be_read(value, name))

    def _may_be_read(self, thing: Any, name: str) -> bool:
        """Whether code reads more of what it has by a name than what it names, as of a module that it hands on."""
        return not issubclass(type(thing), ModuleType) or name in self._names.handed  # a proxy's object may be gone

    def _names_module(self, name: str) -> bool:
        """Whether code asks for a module by this name, or for the one that it is of."""
        is_own = any(variables.get("__name__") == name for _, variables in self._codes.items())
        return (is_own and "__name__" in self._names.scope) or name in self._names.attributes

    def _of_codes(self) -> None:
        """What functions that ran enclose and name. Who they are only the garbage collector can tell."""
        if self._codes:
            for each in gc.get_referrers(*self._codes.objects()):
                if isinstance(each, FunctionType) and each.__code__ in self._codes:
                    self.reach(each, each.__name__, is_weak=True)  # it may soon be gone
        for code, variables in self._codes.items():
            function = function_of(code, variables)
            if function is not None:  # the collector doesn't tell of what is frozen (`gc.freeze`)
                self.reach(function, function.__name__)
            names = named_in([code])
            self._of_scope(variables, "", names.scope)
            for module in map(functools.partial(resolved, variables=variables), names.modules):
                found = sys.modules.get(module)
                self.asked.append((functools.partial(sys.modules.get, module), found, module))
                if found is None:  # an import that fails, perhaps
                    ask = functools.partial(asked.is_installed, module)
                    self.asked.append((ask, ask(), module))
                self.reach(found, module)

    def _of_scope(self, variables: dict[str, Any], beginning: str, names: frozenset[str]) -> None:
        self.scopes.setdefault(id(variables), Scope(variables, beginning, set())).names.update(names)
        for name in names & variables.keys():
            value = variables[name]
            self.reach(value, beginning + name, not is_heard(value), self._may_be_read(value, name))
        own = vars(builtins)
        if variables is not own and (builtin := names - variables.keys()):  # also what somebody may put there
            self._of_scope(own, "", frozenset(builtin))

    def _of_module(self, part: Part) -> Iterator[Part]:
        """What code may take out of a module of the user's: a settings file, say."""
        module: ModuleType = part.thing
        users = is_users_module(module)
        top = "" if users or module.__name__ == "__main__" else module.__name__.partition(".")[0]
        own, beginning = vars(module), f"{module.__name__}."
        if top in LIBRARIES or top in sys.stdlib_module_names:
            self._of_library(own, id(module), beginning, own.keys())
        if top in LIBRARIES:
            parts = {name: own[name] for name in own.keys() & self._names.attributes}
            parts = {name: each for name, each in parts.items() if isinstance(each, (type, ModuleType))}
            yield from (Part(each, beginning + name, not is_heard(each), True) for name, each in parts.items())
            return
        if is_users(type(module)):  # which may have properties
            yield Part(type(module), type(module).__name__, True, True)
        names = {name for name in own if name in self._names.attributes or name in self._names.scope}
        if top in sys.stdlib_module_names:  # whose data count: `os.environ`
            names = {name for name in names if not callable(own[name]) and not isinstance(own[name], ModuleType)}
        else:
            self.objects[id(module)] = (module, module.__name__)
            if part.named or users:  # also what isn't there: `getattr(settings, "scale", 1.0)`
                names |= self._names.attributes
        self.scopes.setdefault(id(own), Scope(own, beginning, set())).names.update(names)
        names &= own.keys()
        if self._names.any and part.named and users:
            self.containers[id(own)], self.passed_over[id(own)] = (own, module.__name__), frozenset()
            names |= {name for name in own if not (name.startswith("__") and name.endswith("__"))}
        for name in names:
            value = own[name]
            is_within = isinstance(value, ModuleType) and f"{beginning}{name}" in sys.modules
            named = self._may_be_read(value, name) or is_within or name in self._names.attributes
            yield Part(value, beginning + name, not is_heard(value), named)

    def _of_library(self, own: Any, identity: int, beginning: str, there: Iterable[str]) -> None:
        """What code names of a module or class that isn't looked into: somebody may have put it there."""
        attributes = self._names.attributes
        names = {name for name in there if name in attributes} | (attributes - own.keys())
        if names:
            self.of_libraries[identity] = Scope(own, beginning, names)
