"""What only quantized layers need: it loads when the first layer is quantized, by `core.links.above.quantization`."""

from eagerflow.layers.core.float8 import FLOAT8_NAMES, float8_product, make_float8
from eagerflow.layers.core.packed_weight import PackedWeight
from eagerflow.quantizers import AbsMaxQuantizer, Int4QuantizationConfig
from eagerflow.quantizers.configs import config_of, resolved
from eagerflow.quantizers.quantizable import checked, not_quantizable, quantized_outputs

__all__ = ["FLOAT8_NAMES", "AbsMaxQuantizer", "Int4QuantizationConfig", "PackedWeight", "checked", "config_of"]
__all__ += ["float8_product", "make_float8", "not_quantizable", "quantized_outputs", "resolved"]
