"""Torch's functions in words: which are ops, what they are called and what they mean. Torch isn't imported."""

from __future__ import annotations

__all__ = ["CALLED", "COUNTERS", "DRAWS", "FILLS", "LIBRARIES", "LOSSES", "MEANS", "MOVES", "OPENED", "READS"]
__all__ += ["SKIPPED", "VIEWS", "WRITES"]


def _by_name(table: str) -> dict[str, str]:
    """`word: name name` of each line, by the names."""
    lines = [line.split() for line in table.strip().splitlines()]
    return {name: word.rstrip(":") for word, *names in lines for name in names}


# Beside torch's own folder: their lines aren't the user's.
LIBRARIES = "torch accelerate lightning lightning_fabric pytorch_lightning torchvision transformers".split()

# Asks for facts, or is no computation: shapes, flags, printing, hooks, random states.
SKIPPED = frozenset(
    """
    __deepcopy__ __dir__ __format__ __hash__ __len__ __reduce_ex__ __repr__ __set__ __setstate__ __delete__ __iter__
    _is_view _make_wrapper_subclass _record_function_enter_new _record_function_exit _set_grad_enabled allclose backward
    broadcast_shapes can_cast
    compiled_with_cxx11_abi data_ptr dim element_size equal get_default_dtype get_device grad has_names init_
    is_complex is_conj is_contiguous is_floating_point is_grad_enabled is_inference is_neg is_nonzero is_pinned
    is_same_size is_set_to is_shared is_signed is_storage is_tensor is_coalesced is_sparse manual_seed names ndimension
    nelement numel pin_memory promote_types register_hook register_post_accumulate_grad_hook rename
    requires_grad_ result_type retain_grad seed share_memory_ size storage storage_offset storage_type stride
    type_as_ untyped_storage set_default_dtype typename iinfo finfo
    """.split()
)
# Python takes the values out.
READS = {
    name: name.strip("_").replace("contains", "in")
    for name in "item tolist numpy __array__ __bool__ __float__ __int__ __index__ __complex__ __contains__".split()
}
# Properties that make a tensor of another one.
VIEWS = frozenset("T mT H mH real imag".split())
FILLS = frozenset(
    """
    arange as_tensor asarray empty empty_like eye from_numpy full full_like linspace logspace new_empty new_full
    new_ones new_tensor new_zeros ones ones_like tensor tril_indices triu_indices zeros zeros_like
    """.split()
)
DRAWS = _by_name(
    """
    uniform: rand rand_like
    normal: randn randn_like normal
    integers: randint randint_like
    permutation: randperm
    bernoulli: bernoulli
    categorical: multinomial
    """
)
# Python of torch's own into which a reader wants to look.
OPENED = frozenset(["multi_head_attention_forward"])
# What a function changes besides: the names of its parameters.
WRITES = {"batch_norm": ("running_mean", "running_var"), "instance_norm": ("running_mean", "running_var")}
COUNTERS = frozenset(["num_batches_tracked"])  # buffers whose changes tell a reader nothing

# Operators are called as viz calls them, by which they get signs; functions keep the names that users of torch know.
CALLED = _by_name(
    """
    add: iadd radd
    subtract: sub isub rsub
    multiply: mul imul rmul
    divide: div truediv true_divide itruediv idiv rdiv rtruediv
    power: pow ipow rpow
    matmul: rmatmul
    floor_divide: floordiv
    take_index: getitem
    overwrite: setitem
    negative: neg
    greater: gt
    greater_equal: ge
    less: lt
    less_equal: le
    equal: eq
    not_equal: ne
    transpose: T mT
    detach: data
    absolute: abs
    logical_and: and
    logical_or: or
    logical_not: invert
    """
)

LOSSES = frozenset(
    """
    binary_cross_entropy binary_cross_entropy_with_logits cosine_embedding_loss cross_entropy ctc_loss gaussian_nll_loss
    hinge_embedding_loss huber_loss kl_div l1_loss margin_ranking_loss mse_loss multi_margin_loss multilabel_margin_loss
    multilabel_soft_margin_loss nll_loss poisson_nll_loss smooth_l1_loss soft_margin_loss triplet_margin_loss
    triplet_margin_with_distance_loss linear_cross_entropy
    """.split()
)

# Functions that do what an op of eagerflow's does, by that.
MEANS = _by_name(
    """
    matmul: linear mm bmm
    conv: conv1d conv2d conv3d
    max_pool: max_pool1d max_pool2d max_pool3d
    average_pool: avg_pool1d avg_pool2d avg_pool3d
    reshape: view view_as reshape_as flatten unflatten unsqueeze squeeze
    transpose: permute movedim swapaxes swapdims t
    broadcast_to: expand expand_as
    split: chunk unbind tensor_split hsplit vsplit dsplit
    concatenate: cat
    copy: clone contiguous
    stop_gradient: detach
    gather: embedding index_select
    clip: clamp
    relu: relu6
    gelu_exact: gelu
    masked_scale: dropout
    normalize_batch: batch_norm
    sign_of: sign
    mean_squared_error: mse_loss
    mean_absolute_error: l1_loss
    kl_divergence: kl_div
    binary_crossentropy: binary_cross_entropy
    """
)
"""By the names of functions."""
MOVES = frozenset(
    """
    view view_as reshape reshape_as flatten unflatten permute transpose movedim swapaxes swapdims t unsqueeze squeeze
    expand expand_as broadcast_to chunk split unbind contiguous clone detach narrow cast to_device unfold as_strided
    select tensor_split hsplit vsplit dsplit adjoint positive
    """.split()
)
"""Functions that only rearrange numbers."""
