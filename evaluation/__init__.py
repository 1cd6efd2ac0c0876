"""Accuracy on real photographs with real weights: the same answers from PyTorch, onnxruntime and browsers, near known figures.

Only benchmarks/ and tests/ use this; the photographs and weights are not part of the project.
"""
