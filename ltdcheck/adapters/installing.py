"""How what is not installed is installed."""

from __future__ import annotations

INSTALL = {
    **{name: f"pip install 'ltdcheck[{name}]'" for name in ("equinox", "flax", "haiku", "jax", "keras", "torch")},
    **dict.fromkeys(("onnx", "onnxruntime"), "pip install 'ltdcheck[onnx]'"),
    "tensorflow": "pip install 'ltdcheck[tensorflow]'",
    "optax": "pip install optax",
    "reservoirpy": "pip install reservoirpy",
}  # a framework by its name; an extra where ltdcheck has one
