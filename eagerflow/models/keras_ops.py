"""Calls of ops in the configuration of a model, in Keras' form and back.

For Keras an op is an object: some arguments are settings of the object (`Sum(axis=1)`), others are passed
when it is called. Here an op is a function of all of them.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from eagerflow import ops
from eagerflow.base.errors import did_you_mean
from eagerflow.core.primitive import registry
from eagerflow.layer.unique_names import snake_case

__all__ = ["arguments_of", "described_call", "op_named"]

# By Keras' modules: Class(arguments of the call|settings), after the name of the function where that differs.
# Made by tools/keras_ops.py, from Keras 3.15.1.
_TABLE = """
numpy: Abs(x) Absolute(x) Add(x1,x2) All(x|axis,keepdims) Amax(x|axis,keepdims) Amin(x|axis,keepdims)
Angle(x) Any(x|axis,keepdims) Append(x1,x2|axis) Arange(start,stop,step|dtype) Arccos(x) Arccosh(x)
Arcsin(x) Arcsinh(x) Arctan(x) Arctan2(x1,x2) Arctanh(x) Argmax(x|axis,keepdims) Argmin(x|axis,keepdims)
Argpartition(x|kth,axis) Argsort(x|axis) Array(x|dtype) ArraySplit(x|indices_or_sections,axis)
Average(x,weights|axis) Bincount(x|weights,minlength,sparse) BitwiseAnd(x,y) BitwiseInvert(x)
BitwiseLeftShift(x,y) BitwiseNot(x) BitwiseOr(x,y) BitwiseRightShift(x,y) BitwiseXor(x,y)
BroadcastTo(x|shape) Cbrt(x) Ceil(x) Clip(x|x_min,x_max) Concatenate(xs|axis) Conj(x) Conjugate(x) Copy(x)
Corrcoef(x) Correlate(x1,x2|mode) Cos(x) Cosh(x) CountNonzero(x|axis) Cross(x1,x2|axisa,axisb,axisc,axis)
Cumprod(x|axis,dtype) Cumsum(x|axis,dtype) Deg2rad(x) Diag(x|k) Diagflat(x|k) Diagonal(x|offset,axis1,axis2)
Diff(a|n,axis) Digitize(x,bins) Divide(x1,x2) DivideNoNan(x1,x2) Dot(x1,x2) Dsplit(x|indices_or_sections)
Dstack(xs) Einsum(*operands|subscripts) EmptyLike(x|dtype) Equal(x1,x2) Exp(x) Exp2(x) ExpandDims(x|axis)
Expm1(x) Fabs(x) Flip(x|axis) Fliplr(x) Flipud(x) Floor(x) FloorDivide(x1,x2) Fmax(x1,x2) Fmin(x1,x2)
Fmod(x1,x2) Full(fill_value|shape,dtype) FullLike(x,fill_value|dtype) Gcd(x1,x2)
Geomspace(start,stop|num,endpoint,dtype,axis) GetItem(x,key) Greater(x1,x2) GreaterEqual(x1,x2)
Heaviside(x1,x2) Histogram(x|bins,range) Hsplit(x|indices_or_sections) Hstack(xs) Hypot(x1,x2) I0(x) Imag(x)
Inner(x1,x2) Isclose(x1,x2,rtol,atol|equal_nan) Isfinite(x) Isinf(x) Isnan(x) Isneginf(x) Isposinf(x)
Isreal(x) Kron(x1,x2) Lcm(x1,x2) Ldexp(x1,x2) LeftShift(x,y) Less(x1,x2) LessEqual(x1,x2)
Linspace(start,stop|num,endpoint,retstep,dtype,axis) Log(x) Log10(x) Log1p(x) Log2(x) Logaddexp(x1,x2)
Logaddexp2(x1,x2) LogicalAnd(x1,x2) LogicalNot(x) LogicalOr(x1,x2) LogicalXor(x1,x2)
Logspace(start,stop|num,endpoint,base,dtype,axis) Matmul(x1,x2) Max(x|axis,keepdims,initial) Maximum(x1,x2)
Mean(x|axis,keepdims) Median(x|axis,keepdims) Meshgrid(*x|indexing) Min(x|axis,keepdims,initial)
Minimum(x1,x2) Mod(x1,x2) Moveaxis(x|source,destination) Multiply(x1,x2) NanToNum(x|nan,posinf,neginf)
Nanargmax(x|axis,keepdims) Nanargmin(x|axis,keepdims) Nancumprod(x|axis,dtype) Nancumsum(x|axis,dtype)
Nanmax(x|axis,keepdims) Nanmean(x|axis,keepdims) Nanmedian(x|axis,keepdims) Nanmin(x|axis,keepdims)
Nanpercentile(x,q|axis,method,keepdims) Nanprod(x|axis,keepdims) Nanquantile(x,q|axis,method,keepdims)
Nanstd(x|axis,keepdims) Nansum(x|axis,keepdims) Nanvar(x|axis,keepdims) Ndim(x) Negative(x) Nextafter(x1,x2)
Nonzero(x) NotEqual(x1,x2) OnesLike(x|dtype) Outer(x1,x2) Pad(x,constant_values|pad_width,mode)
Percentile(x,q|axis,method,keepdims) Power(x1,x2) Prod(x|axis,keepdims,dtype) Ptp(x|axis,keepdims)
Quantile(x,q|axis,method,keepdims) Rad2deg(x) Ravel(x) Real(x) Reciprocal(x) Repeat(x|repeats,axis)
Reshape(x|newshape) RightShift(x,y) Roll(x|shift,axis) Rot90(array|k,axes) Round(x|decimals)
Select(condlist,choicelist,default) Sign(x) Signbit(x) Sin(x) Sinc(x) Sinh(x) Size(x) Slogdet(x)
Sort(x|axis) Split(x|indices_or_sections,axis) Sqrt(x) Square(x) Squeeze(x|axis) Stack(x|axis)
Std(x|axis,keepdims) Subtract(x1,x2) Sum(x|axis,keepdims) Swapaxes(x|axis1,axis2) Take(x,indices|axis)
TakeAlongAxis(x,indices|axis) Tan(x) Tanh(x) Tensordot(x1,x2|axes) Tile(x|repeats)
Trace(x|offset,axis1,axis2) Transpose(x|axes) Trapezoid(y|x,dx,axis) Tril(x|k) Triu(x|k) TrueDivide(x1,x2)
Trunc(x) Unique(x|sorted,return_index,return_inverse,return_counts,axis,size,fill_value)
UnravelIndex(indices|shape) Vander(x|N,increasing) Var(x|axis,keepdims) Vdot(x1,x2) View(x|dtype)
Vsplit(x|indices_or_sections) Vstack(xs) Where(condition,x1,x2) ZerosLike(x|dtype)
allclose=AllClose(x1,x2|rtol,atol,equal_nan) isin=IsIn(x1,x2|assume_unique,invert)
searchsorted=SearchSorted(sorted_sequence,values|side)
nn: AdaptiveAveragePool(inputs|output_size,data_format) AdaptiveMaxPool(inputs|output_size,data_format)
AveragePool(inputs|pool_size,strides,padding,data_format) BinaryCrossentropy(target,output|from_logits)
CTCDecode(inputs,sequence_lengths|strategy,beam_width,top_paths,merge_repeated,mask_index)
CTCLoss(target,output,target_length,output_length|mask_index)
CategoricalCrossentropy(target,output|from_logits,axis) Celu(x|alpha)
Conv(inputs,kernel|strides,padding,data_format,dilation_rate)
ConvTranspose(inputs,kernel|strides,padding,output_padding,data_format,dilation_rate)
DepthToSpace(x|block_size,data_format)
DepthwiseConv(inputs,kernel|strides,padding,data_format,dilation_rate)
DotProductAttention(query,key,value,bias,mask,scale|is_causal,flash_attention,attn_logits_soft_cap)
Elu(x|alpha) Fold(x|output_size,kernel_size,dilation,padding,stride) Gelu(x|approximate) Glu(x|axis)
HardShrink(x|threshold) HardSigmoid(x) HardSilu(x) HardTanh(x) LeakyRelu(x|negative_slope) LogSigmoid(x)
LogSoftmax(x|axis) MaxPool(inputs|pool_size,strides,padding,data_format)
Moments(x|axes,keepdims,synchronized) MultiHot(inputs|num_classes,axis,dtype,sparse)
Normalize(x|axis,order,epsilon) OneHot(x|num_classes,axis,dtype,sparse) PSNR(x1,x2|max_val)
Polar(abs_,angle) Relu(x) Relu6(x) Selu(x)
SeparableConv(inputs,depthwise_kernel,pointwise_kernel|strides,padding,data_format,dilation_rate) Sigmoid(x)
Silu(x) SoftShrink(x|threshold) Softmax(x|axis) Softplus(x) Softsign(x)
SpaceToDepth(x|block_size,data_format) SparseCategoricalCrossentropy(target,output|from_logits,axis)
SparsePlus(x) SparseSigmoid(x) Sparsemax(x|axis) Squareplus(x|b) TanhShrink(x)
Threshold(x|threshold,default_value) Unfold(x|kernel_size,dilation,padding,stride)
math: Erf(x) Erfc(x) Erfinv(x) ExtractSequences(x|sequence_length,sequence_stride) FFT(x) FFT2(x) IFFT2(x)
IRFFT(x|fft_length) ISTFT(x|sequence_length,sequence_stride,fft_length,length,window,center)
InTopK(targets,predictions|k) Logdet(x) Logsumexp(x|axis,keepdims) RFFT(x|fft_length) Rsqrt(x)
STFT(x|sequence_length,sequence_stride,fft_length,window,center)
SegmentMax(data,segment_ids|num_segments,sorted) SegmentMin(data,segment_ids|num_segments,sorted)
SegmentProd(data,segment_ids|num_segments,sorted) SegmentSum(data,segment_ids|num_segments,sorted)
TopK(x|k,sorted) ViewAsComplex(x) ViewAsReal(x) cdist=CDist(x,y)
core: AssociativeScan(f,elems|reverse,axis) Cast(x|dtype) Cond(pred,true_fn,false_fn)
ConvertToTensor(x|dtype,sparse,ragged) ForiLoop(init_val|lower,upper,body_fun) Map(f,xs)
SaturateCast(x|dtype) Scan(f,init,xs|length,reverse,unroll) Scatter(indices,values|shape)
ScatterUpdate(inputs,indices,updates|reduction) Slice(inputs,start_indices|shape)
SliceUpdate(inputs,start_indices,updates) StopGradient(variable) Switch(index,branches,*operands)
Unstack(x|num,axis) VectorizedMap(elements|function) WhileLoop(loop_vars|cond,body,maximum_iterations)
image: AffineTransform(images,transform|interpolation,fill_mode,fill_value,data_format)
CropImages(images|top_cropping,left_cropping,bottom_cropping,right_cropping,target_height,target_width,data_format)
ElasticTransform(images|alpha,sigma,interpolation,fill_mode,fill_value,seed,data_format)
ExtractPatches(images|size,strides,dilation_rate,padding,data_format)
GaussianBlur(images|kernel_size,sigma,data_format) HSVToRGB(images|data_format)
MapCoordinates(inputs,coordinates|order,fill_mode,fill_value)
PadImages(images|top_padding,left_padding,bottom_padding,right_padding,target_height,target_width,data_format)
PerspectiveTransform(images,start_points,end_points|interpolation,fill_value,data_format)
RGBToGrayscale(images|data_format) RGBToHSV(images|data_format)
Resize(images|size,interpolation,antialias,crop_to_aspect_ratio,pad_to_aspect_ratio,fill_mode,fill_value,data_format)
SSIM(image1,image2|max_val,filter_size,filter_sigma,k1,k2,data_format)
ScaleAndTranslate(images,output_shape,scale,translation|spatial_dims,method,antialias)
SobelEdges(images|data_format)
linalg: Cholesky(x|upper) CholeskyInverse(x|upper) Det(x) Eig(x) Eigh(x) Inv(x)
JVP(fun,primals,tangents|has_aux) Lstsq(a,b|rcond) LuFactor(x) MatrixRank(x|tol) Norm(x|ord,axis,keepdims)
Pinv(x|rcond) Qr(x|mode) SVD(x|full_matrices,compute_uv) Solve(a,b) SolveTriangular(a,b|lower)
einops: Rearrange(tensor,pattern,axes_lengths)
"""


@dataclass(frozen=True)
class _Op:
    """How Keras writes an op."""

    module: str
    class_name: str
    called_with: tuple[str, ...]
    settings: tuple[str, ...]


@functools.cache
def _known() -> dict[str, _Op]:
    """Keras' ops by the name of the function."""
    found, module = {}, ""
    for word in _TABLE.split():
        if word.endswith(":"):
            module = f"keras.src.ops.{word[:-1]}"
            continue
        alias, class_name, call, settings = re.fullmatch(r"(?:(\w+)=)?(\w+)\(([^|)]*)\|?([^)]*)\)", word).groups()  # type: ignore[union-attr]
        entry = _Op(module, class_name, tuple(call.split(",")), tuple(settings.split(",")) if settings else ())
        found[alias or snake_case(class_name)] = entry
    return found


def op_named(name: str) -> Callable[..., Any]:
    """An op by its name, or by that of Keras' class for it (`GetItem`, `LogSoftmax`).

    Raises:
        ValueError: when there is none, with the nearest name.
    """
    by_class = {entry.class_name: function for function, entry in _known().items()}
    for known in (name, by_class.get(name, name), snake_case(name)):
        found = getattr(ops, known, getattr(ops.image, known, None))  # first: it may do more
        if found is None and known in registry:
            found = registry[known].call
        if callable(found) and not isinstance(found, type) and not known.startswith("_"):
            made: Callable[..., Any] = found
            return made
    raise ValueError(f"The config names an op {name!r:.80} that is unknown.{did_you_mean(name, _known())}")


def described_call(
    function: Callable[..., Any], name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> tuple[dict[str, Any], tuple[Any, ...], dict[str, Any]]:
    """The entry of an op in a config without its call, and the arguments of that call.

    Ops that Keras doesn't have are written under our own module, which Keras refuses by name.
    """
    op = str(getattr(function, "__name__", type(function).__name__))
    entry = _known().get(op)
    split = None if entry is None else _split(entry, function, args, kwargs)
    if entry is None or split is None:
        described = {"module": "eagerflow.ops", "class_name": op, "config": {"name": name}}
        return {**described, "registered_name": None}, args, dict(kwargs)
    settings, called_with, by_name = split
    described = {"module": entry.module, "class_name": entry.class_name, "config": {"name": name, **settings}}
    return {**described, "registered_name": entry.class_name}, called_with, by_name


def _split(
    entry: _Op, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> tuple[dict[str, Any], tuple[Any, ...], dict[str, Any]] | None:
    """Settings, and the arguments of the call; None where an argument is unknown to Keras."""
    signature = inspect.signature(function)
    given = signature.bind(*args, **kwargs).arguments
    variadic = next((p.name for p in signature.parameters.values() if p.kind is p.VAR_POSITIONAL), None)
    called_with = tuple(given.pop(variadic, ())) if variadic is not None else ()
    settings = {k: given.pop(k) for k in entry.settings if k in given}
    in_order = []
    for parameter in entry.called_with:
        if parameter not in given:
            break
        in_order.append(given.pop(parameter))
    by_name = {k: given.pop(k) for k in entry.called_with if k in given}
    defaults = {k: p.default for k, p in signature.parameters.items()}
    if any(defaults.get(k) is not v for k, v in given.items()):
        return None
    return settings, (*in_order, *called_with), by_name


def arguments_of(
    function: Callable[..., Any], config: Mapping[str, Any], args: list[Any]
) -> tuple[list[Any], dict[str, Any]]:
    """The arguments of an op: those of the call, and the settings in Keras' config.

    Raises:
        ValueError: for a setting that the op doesn't have: it would be left out silently.
    """
    signature = inspect.signature(function)
    settings = {
        k: tuple(v) if isinstance(v, list) else v for k, v in config.items() if k not in ("name", "dtype_policy")
    }
    leading = [p for p in signature.parameters if p in settings]
    variadic = any(p.kind is p.VAR_POSITIONAL for p in signature.parameters.values())
    if variadic and leading and next(iter(signature.parameters)) == leading[0]:  # einsum(subscripts, *operands)
        return [settings.pop(leading[0]), *args], settings
    names = list(signature.parameters)
    if any(name in settings for name in names[: len(args)]):  # vectorized_map(function, elements)
        waiting, args = list(args), []
        for name in names:
            if not waiting:
                break
            args.append(settings.pop(name) if name in settings else waiting.pop(0))
    unknown = [k for k in settings if k not in signature.parameters and settings[k] is not None]
    if unknown:
        raise ValueError(
            f"Op {getattr(function, '__name__', function)!s} has a setting {unknown[0]!r} in the config; it is unknown."
        )
    return args, {k: v for k, v in settings.items() if k in signature.parameters}
