"""`Layer`: a computation with weights, called on tensors."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self, overload

import numpy

from eagerflow import regularizers
from eagerflow.base import tree
from eagerflow.base.errors import NotBegunError, holds_itself, missing_attribute, no_attribute, signature_of
from eagerflow.base.serialization import serialize_keras_object
from eagerflow.base.tracebacks import arguments_of, bound_init, boundary, in_words, is_slip, shorten, unknown_arguments
from eagerflow.base.typing import InSequence, PolicyLike, RegularizerLike
from eagerflow.core.dtypes import as_dtype, is_differentiable
from eagerflow.core.observe import scope, state
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.layer.added_losses import LossHolder, forget_losses, note_losses
from eagerflow.layer.arguments import (
    CallSignature,
    call_signature,
    check_build_arguments,
    check_mode,
    needs_shapes,
    note_layer,
    shape_arguments,
    shapes_by_argument,
)
from eagerflow.layer.autocast import autocast_scope
from eagerflow.layer.building import around_build, look_at_new, note_maker
from eagerflow.layer.call_context import CallContext, creation_site, current_call
from eagerflow.layer.dtype_policy import DTypePolicy, DTypePolicyMap, config_of_policy, get_policy
from eagerflow.layer.first_input import INPUT_ARGUMENTS, batch_shape_of
from eagerflow.layer.input_spec import check_alone, check_inputs, describe
from eagerflow.layer.operation import AnyTensor, Calls, Operation, Result, UnknownOutput, check_symbolic
from eagerflow.layer.output_shapes import ShapeAnswers
from eagerflow.layer.remat import current_remat_mode, rematerialized
from eagerflow.layer.stateless_call import StatelessCall
from eagerflow.layer.symbolic.tensors import SymbolicTensor, captured, is_symbolic, record
from eagerflow.layer.symbolic.text_type import is_text, no_numbers
from eagerflow.layer.tensor_masks import MaskAnswer, get_mask, mask_of_call, masks_of, pass_masks, put_masks
from eagerflow.layer.unique_names import checked_flag, checked_name
from eagerflow.layer.weights import WeightHolder
from eagerflow.ops import cast, copy
from eagerflow.quantizers.quantizable import Quantizable

__all__ = ["Layer"]

_WEIGHTS = frozenset(
    "beta bias depthwise_kernel gamma kernel moving_mean moving_variance pointwise_kernel recurrent_kernel".split()
)
_SET_BY_INIT = frozenset(
    "activity_regularizer autocast built dtype_policy input_spec name supports_masking _compute_type _losses".split()
)


class Layer(WeightHolder, LossHolder, ShapeAnswers, MaskAnswer, StatelessCall, Quantizable, Operation, InSequence):
    """Base class of layers and models.

    A subclass makes its weights in `build(input_shape)` (or `__init__`) with `add_weight`, and computes in
    `call(inputs)`. Layers, variables, metrics and seed generators that its attributes hold, in lists and dicts
    too, belong to it.

    Args:
        activity_regularizer: a regularizer or function of the outputs; its value, divided by the batch size, is added
            to the losses.
        trainable: whether training changes the weights.
        dtype: a type name or policy (`"mixed_float16"`); default: the global policy.
        autocast: whether floating-point inputs are cast to the compute type.
        name: a name, unique in a model; default: the class's name in snake case, numbered.
        **kwargs: `input_shape`, `input_dim`, `batch_shape` and `batch_size`: what the first layer of a `Sequential`
            may tell about its input.

    Attributes:
        built: whether the weights exist.
        supports_masking: whether masks of inputs pass on to the outputs.
        input_spec: an `InputSpec`, or a structure of them, that inputs are checked against.
        created_at: file and line of the user's code that made the layer.

    Raises:
        UnknownArgumentError: for arguments that the class doesn't have.

    Source: the interface of `keras.layers.Layer` 3.15.

    >>> import eagerflow as ef
    >>> class Scale(ef.Layer):
    ...     def build(self, input_shape):
    ...         self.factor = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="factor")
    ...     def call(self, inputs):
    ...         return inputs * self.factor
    >>> Scale()([[1.0, 2.0]]).tolist()
    [[1.0, 2.0]]
    """

    _stateless = False  # True in layers that are built as soon as they are made, unless a subclass has its own `build`
    _convert_input_args = True  # False in layers whose inputs are text or lists for themselves
    _remat_mode: Any = None
    _policies: Any = None  # the map of policies, if it has one
    _call_signature: CallSignature
    _arguments: tuple[tuple[Any, ...], dict[str, Any]]
    _build_shapes: tuple[tuple[Any, ...], dict[str, Any]]
    _batch_input_shape: tuple[int | None, ...] | None
    _input_dtype: Any = None  # of a first layer, as Keras 2 has it
    _policy: DTypePolicy
    _compute_type: numpy.dtype[Any]
    _is_mixed: bool
    _is_plain: bool
    _path: str | None
    created_at: tuple[str, int]
    autocast: bool
    supports_masking: bool
    input_spec: Any
    activity_regularizer: Any

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        bound_init(cls)
        if "build" in cls.__dict__:
            cls.build = around_build(cls.__dict__["build"])  # type: ignore[method-assign]

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        self = super().__new__(cls)
        self.__dict__.update(
            _tracked={},
            _own_weights=[],
            _switched_off=[],
            _fixed={},
            _gathered=(-1,),
            _arguments=(args, kwargs),
            _call_signature=call_signature(cls, Layer),
            created_at=creation_site(),
            _remat_mode=current_remat_mode(),
            _calls={},
            _building=False,
            _build_shapes=((), {}),
        )
        note_maker(self)
        return self

    @boundary
    def __init__(
        self,
        *,
        activity_regularizer: RegularizerLike = None,
        trainable: bool = True,
        dtype: PolicyLike = None,
        autocast: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        input_arguments = {k: kwargs.pop(k) for k in INPUT_ARGUMENTS if k in kwargs}
        if kwargs:
            raise unknown_arguments(type(self), kwargs, arguments_of(type(self)))
        self.__dict__.update(
            name=checked_name(name, type(self)),
            autocast=autocast,
            supports_masking=False,
            input_spec=None,
            _path=None,
            _losses=[],
            _batch_input_shape=batch_shape_of(type(self), input_arguments),
            activity_regularizer=regularizers.get(activity_regularizer),
        )
        self.__dict__["built"] = self._stateless and type(self).build is Layer.build
        self.dtype_policy = get_policy(dtype)
        if trainable is not True:
            self.trainable = checked_flag(trainable, type(self))

    if not TYPE_CHECKING:  # for which `model.fitt` and `layer.kernle` are errors

        def __getattr__(self, name: str) -> Any:
            if name in _SET_BY_INIT:
                raise RuntimeError(_never_begun(type(self)))
            if name[:1] == "_" != name[1:2] and "_losses" not in self.__dict__:  # one of ours, in `compile`, say
                raise NotBegunError(_never_begun(type(self)))
            known = getattr(type(self), name, None)
            if isinstance(known, property):  # its own AttributeError says more
                return known.__get__(self)
            if name in _WEIGHTS and self.__dict__.get("built") is False:
                told = f"{type(self).__name__!r} object has no attribute {name!r}: it isn't built."
                raise no_attribute(f"{told} Call it first, or layer.build(input_shape).", name)
            raise missing_attribute(self, name)

    # Types

    @property
    def dtype_policy(self) -> DTypePolicy:
        """The types of weights and computations.

        >>> ef.layers.Dense(2, dtype="mixed_float16").dtype_policy
        <DTypePolicy "mixed_float16">
        """
        return self._policies if self._policies is not None else self._policy

    @dtype_policy.setter
    def dtype_policy(self, value: Any) -> None:
        policy = get_policy(value)
        if self.__dict__.get("_policies") is not None and self._path:
            if self._path in self._policies:
                del self._policies[self._path]
            self._policies[self._path] = policy
        else:
            self.__dict__["_policies"] = policy if isinstance(policy, DTypePolicyMap) else None
        self._settle_policy(policy)
        if policy.quantization_mode is not None and self.built and not self._is_quantized:
            self.quantize(policy.quantization_mode, config=config_of_policy(policy))

    def _settle_policy(self, policy: DTypePolicy) -> None:
        """Take the types of a policy; of a map, those for this layer, once its path is known."""
        if isinstance(policy, DTypePolicyMap):
            policy = policy[self._path] if self._path else policy.default_policy
        self.__dict__.update(
            _policy=policy,
            _compute_type=as_dtype(policy.compute_dtype),
            _is_mixed=policy.compute_dtype != policy.variable_dtype,
            _is_plain=policy.compute_dtype == policy.variable_dtype
            and policy.quantization_mode is None
            and self._remat_mode is None,
        )

    @property
    def dtype(self) -> str:
        """The name of the weights' type.

        >>> ef.layers.Dense(2, dtype="float64").dtype
        'float64'
        """
        return self._policy.variable_dtype

    @property
    def variable_dtype(self) -> str:
        """The name of the weights' type, the same as `dtype`.

        >>> ef.layers.Dense(2, dtype="mixed_float16").variable_dtype
        'float32'
        """
        return self._policy.variable_dtype

    @property
    def compute_dtype(self) -> str:
        """The name of the type in which the layer computes.

        >>> ef.layers.Dense(2, dtype="mixed_float16").compute_dtype
        'float16'
        """
        return self._policy.compute_dtype

    @property
    def input_dtype(self) -> str:
        """The name of the type that floating-point inputs are cast to.

        >>> ef.layers.Dense(2, dtype="mixed_float16").input_dtype
        'float16'
        """
        return self._policy.compute_dtype

    @property
    def path(self) -> str:
        """The layer's name, preceded by the names of the layers that it was built in, joined by slashes.

        >>> model = ef.Sequential([ef.Input((3,)), ef.layers.Dense(2, name="out")], name="net")
        >>> model.layers[0].path, model.layers[0].kernel.path
        ('net/out', 'net/out/kernel')
        """
        return self._path or self.name

    # What subclasses write

    @around_build
    def build(self, *args: Any, **kwargs: Any) -> None:
        """Creates the weights; subclasses override it. It is called once, before the first call.

        Args:
            *args: the shape of the first argument of `call`; or parameters named `<argument>_shape`.
            **kwargs: shapes by those names.

        Where a subclass doesn't override it, layers held in attributes are built by calling the layer on arrays of
        that shape.

        >>> class Scale(ef.layers.Layer):
        ...     def build(self, input_shape):
        ...         self.factor = self.add_weight(shape=input_shape[-1:], initializer="ones")
        ...     def call(self, inputs):
        ...         return inputs * self.factor
        >>> layer = Scale()
        >>> layer.build((None, 3))
        >>> [w.tolist() for w in layer.weights]
        [[1.0, 1.0, 1.0]]
        """
        overridden = type(self).build is not Layer.build
        told = any(shape is not None for shape in (*args, *kwargs.values()))
        if told and not overridden and not all(layer.built for layer in self._sublayers):
            self._build_by_running(*args, **kwargs)

    # `Any` makes every override legal; `Tensor` is for those who hold a layer and don't know which it is.
    def call(self, *args: Any, **kwargs: Any) -> Tensor | Any:
        """Computes the outputs; subclasses override it.

        >>> class Double(ef.layers.Layer):
        ...     def call(self, inputs, training=False):
        ...         return inputs if training else 2 * inputs
        >>> Double()([1.0, 2.0]).tolist(), Double()([1.0, 2.0], training=True).tolist()
        ([2.0, 4.0], [1.0, 2.0])
        """
        raise NotImplementedError(f"{type(self).__name__} needs a method call(self, inputs).")

    # Calling

    @overload
    def __call__(self: Calls[UnknownOutput], *args: Any, **kwargs: Any) -> AnyTensor | Any: ...
    @overload
    def __call__(self: Calls[Result], *args: Any, **kwargs: Any) -> Result: ...
    @overload
    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...  # where `call` is something else
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The outputs of `call`, with inputs converted and checked, weights built, modes and masks passed on."""
        token = None
        try:
            if (
                len(args) != 1
                or args[0].__class__ is not Tensor
                or args[0].data.dtype is not self._compute_type
                or (kwargs and (len(kwargs) > 1 or "training" not in kwargs))
            ):
                args, kwargs = self._converted(args, kwargs)
                if is_symbolic(args) or is_symbolic(kwargs):
                    return self._call_symbolically(args, kwargs)
            if not self.built:
                self._build_for(args, kwargs)
            if self.input_spec is not None:
                if args:  # the usual case, without a call more
                    check_inputs(self.input_spec, args[0], self)
                else:
                    _check_first(self, args, kwargs)
            context = current_call.get()
            if context is None:
                context = CallContext()
                forget_losses(self)
                token = current_call.set(context)
            signature, outer = self._call_signature, context.training
            if signature.takes_training or "training" in kwargs:
                _settle_training(signature, context, args, kwargs)
            if args and not signature.masks and args[0].__class__ is Tensor:
                mask = getattr(args[0], "mask", None)
            else:
                mask = mask_of_call(signature, args, kwargs)
            context.running.append(self)
            try:
                if self._is_plain and not state.on:
                    outputs = self.call(*args, **kwargs)
                else:
                    outputs = self._call_within_scopes(args, kwargs)
            except Exception as error:
                note_layer(error, self, args)
                raise
            finally:
                context.running.pop()
                context.training = outer
            if outputs is None or outputs.__class__ is SymbolicTensor:
                raise _no_outputs(self, outputs)
            if self.activity_regularizer is not None:
                for output in tree.flatten(outputs):
                    self.add_loss(_per_sample(self.activity_regularizer(output), output))
            if mask is not None or signature.computes_mask:
                outputs = self._mask_outputs(args, kwargs, mask, outputs)
            return outputs
        except BaseException as error:
            shorten(error)
            if is_slip(error):
                raise _in_words(error, self, args, kwargs) from None
            raise
        finally:
            if token is not None:
                current_call.reset(token)

    def _call_within_scopes(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if self._is_plain and state.on:  # the usual case of a run that is observed
            inputs = (*args, *kwargs.values()) if kwargs else args
            with scope(self._scope_kind, self.name, self, inputs) as announced:
                announced.value = outputs = self.call(*args, **kwargs)
            return outputs
        with contextlib.ExitStack() as stack:
            if self._is_mixed:
                stack.enter_context(autocast_scope(self._compute_type))
            call = self.call if self._policy.quantization_mode is None else self.quantized_call
            if self._remat_mode is not None:
                call = self.rematerialized_call(call, *args, **kwargs)
            if not state.on:
                return call(*args, **kwargs)
            announced = stack.enter_context(scope(self._scope_kind, self.name, self, (*args, *kwargs.values())))
            announced.value = call(*args, **kwargs)
            return announced.value

    _scope_kind = "layer"
    _passes_policy_on = False  # True in layers that make inner ones with their own policy

    def rematerialized_call(  # type: ignore[override] # named as in Keras
        self, layer_call: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> Callable[..., Any]:
        """Wraps `layer_call` so that its activations are recomputed in the backward pass instead of being kept.

        Layers that were made in a `RematScope` run this wrapper instead of `call`.

        Args:
            layer_call: the layer's `call`.
            *args: the arguments that it will be called with.
            **kwargs: those given by name.

        >>> layer = ef.layers.Dense(2, kernel_initializer="ones")
        >>> layer.build((None, 3))
        >>> again = layer.rematerialized_call(layer.call)  # keeps nothing for the gradient: it computes it again
        >>> again(ef.Tensor([[1.0, 2.0, 3.0]])).tolist()
        [[6.0, 6.0]]
        """
        return rematerialized(self, layer_call, args, kwargs)

    def _mask_outputs(self, args: tuple[Any, ...], kwargs: dict[str, Any], mask: Any, outputs: Any) -> Any:
        if self.supports_masking or self._call_signature.computes_mask:
            first = self._call_signature.first_of(args, kwargs)
            if self._call_signature.computes_mask and mask is not None:
                given = {id(x) for x in tree.flatten(first)}  # what `call` returned as it was: others see its mask
                outputs = tree.map_structure(
                    lambda x: copy(x) if id(x) in given and isinstance(x, Tensor) else x, outputs
                )
            put_masks(outputs, self.compute_mask(first, mask))
        elif not self._call_signature.masks:
            warnings.warn(
                f"{describe(self)} got inputs with a mask, which it neither uses nor passes on: later layers won't see "
                "it. Set self.supports_masking = True in the layer if the mask fits its outputs.",
                stacklevel=3,
            )
        return outputs

    def _converted(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Arrays as tensors, floats in the compute type; the first argument may also be a plain list."""
        if not self._convert_input_args:
            return args, kwargs
        if args:
            first = args[0]
            if not isinstance(first, Tensor) and not holds_itself(first) and _is_plain_data(first):
                first = convert_to_tensor(first)
            args = tuple([self._convert(x) for x in (first, *args[1:])])
        return args, {name: self._convert(x) for name, x in kwargs.items()}

    def _convert(self, x: Any) -> Any:
        if isinstance(x, (list, tuple, dict)):
            return tree.map_structure(self._convert, x) if len(x) else x
        if not isinstance(x, Tensor):
            if not hasattr(x, "__array__") and not hasattr(x, "__cuda_array_interface__"):
                return x
            if is_text(x):
                if self._scope_kind == "model" or not type(self).call.__module__.startswith("eagerflow."):
                    return x  # for a layer inside that takes text
                raise no_numbers(describe(self), x)
            x = convert_to_tensor(x)
        elif isinstance(x, SymbolicTensor):
            return x
        if self.autocast and x.dtype != self._compute_type and is_differentiable(x.dtype):
            return x if x.dtype.kind == "c" else cast_with_mask(x, self._compute_type)
        return x

    def _call_symbolically(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """On what `Input` gives, a call is noted rather than made."""
        self._note_if_fresh()
        if not self.built:
            self._build_for(args, kwargs)
        if self.input_spec is not None:
            _check_first(self, args, kwargs)
        signature = self._call_signature
        first = signature.first_of(args, kwargs)
        check_alone(self, first)
        mask = masks_of(first)  # only one that the user put there: the others are found when the model runs
        if signature.masks:
            pass_masks(signature, mask, args, kwargs)
        outputs = record(self, args, kwargs)
        if mask is not None and self.supports_masking:
            put_masks(outputs, self.compute_mask(first, mask))
        return outputs

    def symbolic_call(self, *args: Any, **kwargs: Any) -> Any:
        """Adds a call of the layer to the graph, as calling it on symbolic tensors does; returns the symbolic outputs.

        Args:
            *args: the arguments of the call, at least one of them a symbolic tensor.
            **kwargs: those given by name.

        Raises:
            TypeError: when no argument is symbolic.

        >>> ef.layers.Dense(2).symbolic_call(ef.Input((3,))).shape
        (None, 2)
        """
        check_symbolic(self, args, kwargs)
        return self._call_symbolically(*self._converted(args, kwargs))

    def _build_for(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Call `build` with the shapes it asks for by name."""
        check_alone(self, self._call_signature.first_of(args, kwargs))
        if self.input_spec is not None:
            _check_first(self, args, kwargs)
        if type(self).build is Layer.build:
            self._build_nothing()
            return
        shapes = shapes_by_argument(self._call_signature, self, args, kwargs)
        positional, named = shape_arguments(self.build, shapes)
        check_build_arguments(self, shapes, positional, named)
        if not shapes and needs_shapes(self.build):
            got = ", ".join(signature_of(x) for x in (*args, *kwargs.values())) or "nothing"
            raise TypeError(f"{describe(self)} is built for the shapes of its inputs; got no tensor but {got}.")
        self.build(*positional, **named)
        if "_made_in" in self.__dict__:
            look_at_new(self)

    @around_build
    def _build_nothing(self) -> None:
        """For layers without a `build`: their sublayers build themselves when they are called."""

    def _base_config(self) -> dict[str, Any]:
        policy = self.dtype_policy
        config: dict[str, Any] = {"name": self.name, "trainable": self.trainable}
        if self._passes_policy_on and self._policies is None:
            inner = {layer.path: layer.dtype_policy for layer in self._sublayers if layer.quantization_mode}
            policy = DTypePolicyMap(policy.name, inner) if inner else policy
        plain = policy.quantization_mode is None and not isinstance(policy, DTypePolicyMap)
        config["dtype"] = serialize_keras_object(DTypePolicy(policy.name) if plain else policy)
        if self.activity_regularizer is not None:
            config["activity_regularizer"] = serialize_keras_object(self.activity_regularizer)
        return config

    def __getstate__(self) -> dict[str, Any]:
        """For copies and pickles: without what the class tells, nor symbolic calls, which enter themselves again."""
        left_out = ("_calls", "_call_signature", "_all_weights", "_gathered", "_fixed")
        born = [(v, self._fixed[id(v)]) for v in self._gather()[0]]
        return {k: v for k, v in self.__dict__.items() if k not in left_out} | {"_born": born}

    def __setstate__(self, state: dict[str, Any]) -> None:
        own = {k: type(v)(v) for k, v in state.items() if k in ("_losses", "_own_weights", "_switched_off", "_tracked")}
        fixed = {id(v): fixed for v, fixed in state["_born"]}
        self.__dict__.update(state, **own, _fixed=fixed, _call_signature=call_signature(type(self), Layer))
        del self.__dict__["_born"]
        self._settle_policy(self.dtype_policy)
        note_losses(self)

    def __repr__(self) -> str:
        name = self.name if self.name.isprintable() else repr(self.name)
        return f"<{type(self).__name__} name={name}, built={self.built}>"


if TYPE_CHECKING:

    class AnyLayer(Layer):
        """A layer whose class only a run knows, such as one of `model.layers`: it may have any attribute."""

        def __getattr__(self, name: str) -> Any: ...

        def __setattr__(self, name: str, value: Any) -> None: ...
else:
    AnyLayer = Layer


def _check_first(layer: Layer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Compare the first argument with `input_spec`."""
    first = layer._call_signature.first_of(args, kwargs)
    if first is not None or args:
        check_inputs(layer.input_spec, first, layer)


def _settle_training(
    signature: CallSignature, context: CallContext, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    """Decide the mode: what the caller says, else that of the layer around, else the default of `call`."""
    if len(args) > signature.training_position:
        mode = args[signature.training_position]
        check_mode(mode)
    else:
        mode = kwargs.pop("training", None)
        if mode is None:
            mode = context.training
        if mode is None:
            mode = signature.training_default
        if signature.takes_training and mode is not None:
            kwargs["training"] = mode
    if mode is not None:
        context.training = mode


def _no_outputs(layer: Layer, outputs: Any) -> Exception:
    """What is wrong with outputs that are None or symbolic."""
    if outputs is None:
        return TypeError(f"{describe(layer)}: its call returned None. Was a `return` forgotten?")
    return captured(layer, outputs)


def _is_plain_data(x: Any) -> bool:
    """Numbers, and lists of nothing but numbers."""
    if isinstance(x, (list, tuple)):
        return len(x) > 0 and all(_is_plain_data(v) for v in x)
    return isinstance(x, (int, float, complex, numpy.generic))


def cast_with_mask(x: Tensor, dtype: PolicyLike) -> Tensor:
    """The tensor in another type, with its mask."""
    result, mask = cast(x, dtype), get_mask(x)
    if mask is not None:
        result.mask = mask
    return result


def _per_sample(penalty: Any, output: Tensor) -> Any:
    """A penalty on outputs, divided by the size of the batch: it weighs the same whatever that is (as in Keras)."""
    return penalty / output.shape[0] if output.shape and output.shape[0] else penalty


def _in_words(error: BaseException, layer: Layer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Exception:
    """A slip as an error that names the layer and its inputs."""
    found = in_words(error, f"{describe(layer)}.call", [("", x) for x in args] + [*kwargs.items()])
    if any(isinstance(x, dict) for x in args):
        found.args = (f"{found} Inputs by name need a model that begins with `Input(name=...)` for each.",)
    return found


def _never_begun(cls: type) -> str:
    """Says where a class lacks the call of our `__init__`."""
    code = getattr(cls.__init__, "__code__", None)  # type: ignore[misc]
    where = f" ({code.co_filename}:{code.co_firstlineno})" if code is not None else ""
    said = f"{cls.__name__}.__init__ must call super().__init__() before its layers are used"
    return f"{said}: make that its first line{where}."
