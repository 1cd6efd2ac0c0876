"""TensorFlow's "SAME" padding, which torch's convolution has no name for."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


class SameConv2d(nn.Conv2d):
    """A 3x3 convolution of a square map with TensorFlow's "SAME" padding.

    With stride 2 TensorFlow pads a map of an even side by one row at the bottom and one column at the right only, a map of an odd
    side all round. torch's padding is symmetric, so the first case is written out. Which one it is depends on the shape, not on the data.
    """

    def __init__(self, inputs: int, outputs: int, stride: int, groups: int = 1, bias: bool = False) -> None:
        super().__init__(inputs, outputs, 3, stride, padding=1, groups=groups, bias=bias)

    def forward(self, input: Tensor) -> Tensor:
        if self.stride[0] == 1 or input.shape[-1] % 2:
            return super().forward(input)
        padded = functional.pad(input, (0, 1, 0, 1))
        return functional.conv2d(padded, self.weight, self.bias, self.stride, groups=self.groups)
