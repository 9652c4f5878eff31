"""`Layer`: a computation with weights, called on tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self, overload

from eagerflow import regularizers
from eagerflow.base import tree
from eagerflow.base.errors import NotBegunError, missing_attribute, no_attribute
from eagerflow.base.serialization import serialize_keras_object
from eagerflow.base.tracebacks import arguments_of, bound_init, boundary, is_slip, shorten, unknown_arguments
from eagerflow.base.typing import InSequence, PolicyLike, RegularizerLike
from eagerflow.core.links import above
from eagerflow.core.observe import state as observing
from eagerflow.core.tensor import Tensor
from eagerflow.layer.added_losses import forget_losses, note_losses
from eagerflow.layer.arguments import call_signature, note_layer
from eagerflow.layer.building import around_build, note_maker, settle_policy
from eagerflow.layer.call_context import CallContext, creation_site, current_call
from eagerflow.layer.calling import (
    build_for,
    call_symbolically,
    call_within_scopes,
    check_first,
    convert,
    converted,
    error_in_words,
    mask_outputs,
    no_outputs,
    per_sample,
    settle_training,
    stateless_call,
)
from eagerflow.layer.dtype_policy import DTypePolicy, DTypePolicyMap, get_policy
from eagerflow.layer.first_input import INPUT_ARGUMENTS, batch_shape_of
from eagerflow.layer.input_spec import check_inputs
from eagerflow.layer.operation import AnyTensor, Calls, Operation, Result, UnknownOutput, check_symbolic
from eagerflow.layer.output_shapes import (
    build_by_running,
    build_from,
    infer_outputs,
    output_shape,
    output_spec,
    own_answer,
)
from eagerflow.layer.remat import current_remat_mode, rematerialized
from eagerflow.layer.state import LayerState
from eagerflow.layer.symbolic.tensors import SymbolicTensor, is_symbolic
from eagerflow.layer.tensor_masks import mask_of_call
from eagerflow.layer.unique_names import checked_flag, checked_name
from eagerflow.layer.weights import WeightHolder, gather, sublayers

__all__ = ["Layer"]

_WEIGHTS = frozenset(
    "beta bias depthwise_kernel gamma kernel moving_mean moving_variance pointwise_kernel recurrent_kernel".split()
)
_SET_BY_INIT = frozenset("activity_regularizer autocast built dtype_policy input_spec name supports_masking".split())


class Layer(WeightHolder, Operation, InSequence):
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

    >>> class Scale(ef.Layer):
    ...     def build(self, input_shape):
    ...         self.factor = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="factor")
    ...     def call(self, inputs):
    ...         return inputs * self.factor
    >>> Scale()([[1.0, 2.0]]).tolist()
    [[1.0, 2.0]]
    """

    _ef_state_class: type[LayerState] = LayerState
    _stateless = False  # True in layers that are built as soon as they are made, unless a subclass has its own `build`
    _convert_input_args = True  # False in layers whose inputs are text or lists for themselves
    _is_quantized = False
    _gives_states: bool  # to type checkers alone: whether states follow the output; see layers/rnn/calls.py
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
        state = cls._ef_state_class(args, kwargs, call_signature(cls, Layer), current_remat_mode())
        self.__dict__.update(_ef_state=state, created_at=creation_site())
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
        state, cls = self._ef_state, type(self)
        self.__dict__.update(
            name=checked_name(name, cls),
            autocast=autocast,
            supports_masking=False,
            input_spec=None,
            activity_regularizer=regularizers.get(activity_regularizer),
            built=self._stateless and not state.signature.builds,
        )
        state.batch_input_shape = batch_shape_of(cls, input_arguments)
        state.begun = True
        self.dtype_policy = get_policy(dtype)
        if trainable is not True:
            self.trainable = checked_flag(trainable, type(self))

    if not TYPE_CHECKING:  # for which `model.fitt` and `layer.kernle` are errors

        def __getattr__(self, name: str) -> Any:
            if name in _SET_BY_INIT:
                raise RuntimeError(_never_begun(type(self)))
            known = getattr(type(self), name, None)
            if not self._ef_state.begun and (isinstance(known, property) or name[:1] == "_" != name[1:2]):
                raise NotBegunError(_never_begun(type(self)))
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
        state = self._ef_state
        return state.policies if state.policies is not None else state.policy

    @dtype_policy.setter
    def dtype_policy(self, value: Any) -> None:
        policy, state = get_policy(value), self._ef_state
        if state.policies is not None and state.path:
            if state.path in state.policies:
                del state.policies[state.path]
            state.policies[state.path] = policy
        else:
            state.policies = policy if isinstance(policy, DTypePolicyMap) else None
        settle_policy(self, policy)
        if policy.quantization_mode is not None and self.built and not self._is_quantized:
            self.quantize(policy.quantization_mode, config=above.quantization().config_of_policy(policy))

    @property
    def dtype(self) -> str:
        """The name of the weights' type.

        >>> ef.layers.Dense(2, dtype="float64").dtype
        'float64'
        """
        return self._ef_state.policy.variable_dtype

    @property
    def variable_dtype(self) -> str:
        """The name of the weights' type, the same as `dtype`.

        >>> ef.layers.Dense(2, dtype="mixed_float16").variable_dtype
        'float32'
        """
        return self._ef_state.policy.variable_dtype

    @property
    def compute_dtype(self) -> str:
        """The name of the type in which the layer computes.

        >>> ef.layers.Dense(2, dtype="mixed_float16").compute_dtype
        'float16'
        """
        return self._ef_state.policy.compute_dtype

    @property
    def input_dtype(self) -> str:
        """The name of the type that floating-point inputs are cast to.

        >>> ef.layers.Dense(2, dtype="mixed_float16").input_dtype
        'float16'
        """
        return self._ef_state.policy.compute_dtype

    @property
    def path(self) -> str:
        """The layer's name, preceded by the names of the layers that it was built in, joined by slashes.

        >>> model = ef.Sequential([ef.Input((3,)), ef.layers.Dense(2, name="out")], name="net")
        >>> model.layers[0].path, model.layers[0].kernel.path
        ('net/out', 'net/out/kernel')
        """
        return self._ef_state.path or self.name

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
        if told and not overridden and not all(layer.built for layer in sublayers(self)):
            build_by_running(self, *args, **kwargs)

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
        token, state = None, self._ef_state
        try:
            if (
                len(args) != 1
                or args[0].__class__ is not Tensor
                or args[0].data.dtype is not state.compute_type
                or (kwargs and (len(kwargs) > 1 or "training" not in kwargs))
            ):
                args, kwargs = converted(self, args, kwargs)
                if is_symbolic(args) or is_symbolic(kwargs):
                    return call_symbolically(self, args, kwargs)
            if not self.built:
                self._build_for(args, kwargs)
            if self.input_spec is not None:
                if args:  # the usual case, without a call more
                    check_inputs(self.input_spec, args[0], self)
                else:
                    check_first(self, args, kwargs)
            context = current_call.get()
            if context is None:
                context = CallContext()
                forget_losses(self)
                token = current_call.set(context)
            signature, outer = state.signature, context.training
            if signature.takes_training or "training" in kwargs:
                settle_training(signature, context, args, kwargs)
            if args and not signature.masks and args[0].__class__ is Tensor:
                mask = getattr(args[0], "mask", None)
            else:
                mask = mask_of_call(signature, args, kwargs)
            context.running.append(self)
            try:
                if state.is_plain and not observing.on:
                    outputs = self.call(*args, **kwargs)
                else:
                    outputs = call_within_scopes(self, args, kwargs)
            except Exception as error:
                note_layer(error, self, args)
                raise
            finally:
                context.running.pop()
                context.training = outer
            if outputs is None or outputs.__class__ is SymbolicTensor:
                raise no_outputs(self, outputs)
            if self.activity_regularizer is not None:
                for output in tree.flatten(outputs):
                    self.add_loss(per_sample(self.activity_regularizer(output), output))
            if mask is not None or signature.computes_mask:
                outputs = self._mask_outputs(args, kwargs, mask, outputs)
            return outputs
        except BaseException as error:
            shorten(error)
            if is_slip(error):
                raise error_in_words(error, self, args, kwargs) from None
            raise
        finally:
            if token is not None:
                current_call.reset(token)

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

    # What some layers and models do in another way

    _build_for = build_for
    _convert = convert
    _mask_outputs = mask_outputs

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
        return call_symbolically(self, *converted(self, args, kwargs))

    # Masks and shapes of the outputs

    if TYPE_CHECKING:  # layers call the mask `mask` or `previous_mask`, as in Keras' guides, with a default or without

        def compute_mask(self, *args: Any, **kwargs: Any) -> Any: ...
    else:

        def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
            """Computes the mask of the outputs; by default, the mask of the inputs.

            Args:
                inputs: the inputs of the call.
                previous_mask: their mask: booleans, False where `call` should skip a time step; None for no mask.

            >>> mask = ef.layers.Embedding(10, 2, mask_zero=True).compute_mask(ef.Tensor([[5, 7, 0]]))
            >>> ef.layers.Dropout(0.5).compute_mask(ef.ops.ones((1, 3, 2)), mask).tolist()  # unchanged
            [[True, True, False]]
            """
            return previous_mask

    def compute_output_shape(self, *args: Any, **kwargs: Any) -> Any:
        """The shape of the outputs for given shapes of the inputs, without keeping anything.

        Subclasses may override it. By default, the layer is called on small arrays to find out.

        Args:
            *args: the shape of the first input with the batch axis, or a nested structure of shapes; None for unknown
                lengths.
            **kwargs: the shapes of further inputs, as `<argument>_shape`.

        >>> ef.layers.Conv2D(8, 3).compute_output_shape((None, 28, 28, 1))
        (None, 26, 26, 8)
        """
        return output_shape(self, args, kwargs)

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """The outputs, as symbolic tensors, for symbolic inputs. Subclasses may override it.

        >>> spec = ef.layers.Dense(2).compute_output_spec(ef.Input((3,)))
        >>> spec.shape, spec.dtype
        ((None, 2), dtype('float32'))
        """
        return output_spec(self, args, kwargs)

    def _infer(self, args: Any, kwargs: Any, size: tuple[int, int]) -> Any:
        return infer_outputs(self, args, kwargs)

    def _tells_shapes(self) -> bool:
        """Whether shapes are found without making arrays."""
        return own_answer(type(self)) == "compute_output_shape"

    def get_build_config(self) -> dict[str, Any] | None:
        """The shapes with which `build` was called, None before.

        >>> layer = ef.layers.Dense(2)
        >>> y = layer(ef.ops.ones((5, 3)))
        >>> layer.get_build_config()
        {'input_shape': (5, 3)}
        """
        args, kwargs = self._ef_state.build_shapes
        if len(args) == 1 and not kwargs:
            return {"input_shape": args[0]}
        return {"shapes_dict": dict(kwargs)} if kwargs and not args else None

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Builds the layer from the dict that `get_build_config` returned.

        Args:
            config: that dict.

        >>> layer = ef.layers.Dense(2)
        >>> layer.build_from_config({"input_shape": (None, 3)})
        >>> layer.kernel.shape
        (3, 2)
        """
        build_from(self, config)

    stateless_call = stateless_call

    # Quantized weights

    @property
    def quantization_mode(self) -> str | None:
        """How the weights are quantized: `"int8"`, `"int4"`, `"float8"`, or None where they aren't.

        >>> layer = ef.layers.Dense(2)
        >>> layer.build((None, 3))
        >>> layer.quantize("int8")
        >>> layer.quantization_mode
        'int8'
        """
        return self._ef_state.policy.quantization_mode

    def quantize(self, mode: str | None = None, type_check: bool = True, config: Any = None) -> None:
        """Quantizes the weights in place: stores them as 8-bit or 4-bit integers, or 8-bit floats, with scales.

        Args:
            mode: `"int8"`, `"int4"` or `"float8"`; may be left out with `config`.
            type_check: whether to refuse subclasses of quantizable layers, whose `call` may use the weights in other
                ways.
            config: a `quantizers.QuantizationConfig`, instead of `mode`.

        Raises:
            ValueError: for a layer that is not built, or quantized already, or for other arguments.
            NotImplementedError: for a layer whose weights can't be quantized.

        >>> layer = ef.layers.Dense(2, kernel_initializer="ones")
        >>> layer.build((None, 3))
        >>> layer.quantize("int8")
        >>> sorted({w.dtype.name for w in layer.weights})
        ['float32', 'int8']
        >>> layer(ef.Tensor([[1.0, 2.0, 3.0]])).numpy().round(1).tolist()
        [[6.0, 6.0]]
        """
        above.quantization().quantize(self, mode, config, type_check)

    def quantized_build(self, input_shape: Any, mode: str) -> None:
        """Creates the variables of the quantized weights; `quantize` calls it.

        Args:
            input_shape: the shape of the large weight.
            mode: `"int8"`, `"int4"` or `"float8"`.

        Raises:
            NotImplementedError: in a layer whose weights can't be quantized.
        """
        above.quantization().make_quantized(self, input_shape, mode)

    def quantized_call(self, *args: Any, **kwargs: Any) -> Any:
        """What a quantized layer computes instead of `call`.

        Raises:
            NotImplementedError: in a layer whose weights can't be quantized.

        >>> layer = ef.layers.Dense(2, kernel_initializer="ones")
        >>> layer.build((None, 3))
        >>> layer.quantize("int8")
        >>> layer.quantized_call(ef.Tensor([[1.0, 2.0, 3.0]])).numpy().round(1).tolist()
        [[6.0, 6.0]]
        """
        return above.quantization().quantized_outputs(self, args, kwargs)

    # Configurations and copies

    def _base_config(self) -> dict[str, Any]:
        policy = self.dtype_policy
        config: dict[str, Any] = {"name": self.name, "trainable": self.trainable}
        if self._passes_policy_on and self._ef_state.policies is None:
            inner = {layer.path: layer.dtype_policy for layer in sublayers(self) if layer.quantization_mode}
            policy = DTypePolicyMap(policy.name, inner) if inner else policy
        plain = policy.quantization_mode is None and not isinstance(policy, DTypePolicyMap)
        config["dtype"] = serialize_keras_object(DTypePolicy(policy.name) if plain else policy)
        if self.activity_regularizer is not None:
            config["activity_regularizer"] = serialize_keras_object(self.activity_regularizer)
        return config

    def __getstate__(self) -> dict[str, Any]:
        """For copies and pickles: without what the class says, nor symbolic calls, which enter themselves again."""
        gather(self)
        return self.__dict__ | {"_ef_state": self._ef_state.kept()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        own = self._ef_state
        own.restore(state["_ef_state"])
        self.__dict__.update(state, _ef_state=own)
        if own.begun:
            settle_policy(self, self.dtype_policy)
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


def _never_begun(cls: type) -> str:
    """Says where a class lacks the call of our `__init__`."""
    code = getattr(cls.__init__, "__code__", None)  # type: ignore[misc]
    where = f" ({code.co_filename}:{code.co_firstlineno})" if code is not None else ""
    said = f"{cls.__name__}.__init__ must call super().__init__() before its layers are used"
    return f"{said}: make that its first line{where}."
