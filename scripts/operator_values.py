"""What the operator schemas do not say: which optional inputs networks give, what required attributes may hold, who wants an image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from onnx import TensorProto

# The element types that networks for browsers hold, and float64, which exporters leave in by mistake. Other types come out as unknown.
TYPES: Mapping[str, int] = {
    "float": TensorProto.FLOAT,
    "float16": TensorProto.FLOAT16,
    "double": TensorProto.DOUBLE,
    "int64": TensorProto.INT64,
    "int32": TensorProto.INT32,
    "int8": TensorProto.INT8,
    "uint8": TensorProto.UINT8,
    "bool": TensorProto.BOOL,
}

# Operators for which WebGPU changes the layout to channels last need to know that their first input is an image.
IMAGE = ("N", "C", "H", "W")
IMAGE_OPERATORS = frozenset(
    [
        "AveragePool",
        "BatchNormalization",
        "Conv",
        "ConvInteger",
        "ConvTranspose",
        "DepthToSpace",
        "FusedConv",
        "GlobalAveragePool",
        "GlobalLpPool",
        "GlobalMaxPool",
        "GridSample",
        "InstanceNormalization",
        "LRN",
        "LpPool",
        "MaxPool",
        "MaxRoiPool",
        "MaxUnpool",
        "QLinearConv",
        "Resize",
        "RoiAlign",
        "SpaceToDepth",
        "Upsample",
    ]
)

# Optional inputs that networks do give, by their place: their types choose the kernel, or the operator makes no sense without them.
ALSO_GIVEN: Mapping[str, tuple[int, ...]] = {
    "Clip": (1, 2),
    "DequantizeLinear": (2,),
    "NonMaxSuppression": (2, 3, 4),
    "Pad": (2,),
    "QLinearAdd": (2, 5, 7),
    "QLinearAveragePool": (2, 4),
    "QLinearLeakyRelu": (2, 4),
    "QLinearMul": (2, 5, 7),
    "QLinearReduceMean": (2, 4),
    "QLinearSigmoid": (2, 4),
    "QLinearSoftmax": (2, 4),
    "QuantizeLinear": (2,),
    "Range": (2,),
    "Resize": (2,),
    "Slice": (3, 4),
    "Split": (1,),
    "Squeeze": (1,),
    "Trilu": (1,),
}

# Values of required attributes, by "Operator.attribute", else by "attribute". Without an entry the probe is not made: unknown.
ATTRIBUTES: Mapping[str, Any] = {
    "axes": [0],
    "axis": 0,
    "block_size": 32,
    "blocksize": 2,
    "BitShift.direction": "LEFT",
    "BiasSoftmax.is_inner_broadcast": 1,
    "Crop.border": [0, 0, 0, 0],
    "Einsum.equation": "ij,jk->ik",
    "activation": "Relu",
    "groups": 1,
    "GroupNorm.activation": 0,
    "SkipGroupNorm.activation": 0,
    "keepdims": 1,
    "kernel_shape": [2, 2],
    "kv_num_heads": 2,
    "num_groups": 1,
    "num_heads": 2,
    "q_num_heads": 2,
    "opset": 13,
    "perm": [0],
    "pooled_shape": [2, 2],
    "K": 32,
    "N": 32,
    "num_scan_inputs": 1,
    "quant_type": 1,
    "scales": [1.0, 1.0, 2.0, 2.0],
    "shape": [2],
    "signal_ndim": 1,
    "size": 3,
    "TfIdfVectorizer.mode": "TF",
    "ngram_counts": [0],
    "ngram_indexes": [0],
    "max_gram_length": 1,
    "max_skip_count": 0,
    "min_gram_length": 1,
    "Upsample.height_scale": 2.0,
    "Upsample.width_scale": 2.0,
    "UnfoldTensor.size": 2,
    "max_distance": 8,
    "ngram_size": 2,
}

# Attributes that are not required by the schema, but without which the node is nothing.
ALSO_SET: Mapping[str, Mapping[str, Any]] = {
    "DynamicQuantizeLSTM": {"hidden_size": 4},
    "FusedGemm": {"activation": "Relu"},
    "GRU": {"hidden_size": 4},
    "LSTM": {"hidden_size": 4},
    "RNN": {"hidden_size": 4},
    "TfIdfVectorizer": {"pool_int64s": [1], "weights": [1.0]},
    "SplitToSequence": {"axis": 0},
    "MatMulNBits": {"bits": 4},
}

# Attributes that give an output its element type.
TYPE_ATTRIBUTES = ("to", "dtype")
