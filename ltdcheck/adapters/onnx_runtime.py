"""What runs ONNX models: ONNX Runtime, or anything else that takes a model and then the inputs by name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import onnx
import onnxruntime

from ltdcheck.errors import TargetUnusableError
from ltdcheck.problem import Array

Run = Callable[[Mapping[str, Array]], Sequence[Array]]  # the inputs by name; the outputs in the order of the model
Runtime = Callable[[bytes], Run]  # of a serialized model

OLDEST = {"onnx": (1, 18), "onnxruntime": (1, 22)}  # as the extra asks for
FATAL = 4  # of the levels of ONNX Runtime's log: what it raises is told once


def runtime(*providers: str) -> Runtime:
    """ONNX Runtime with these execution providers; its own one for the processor where none is named.

    It runs on one thread, so that what is measured does not depend on the machine's load.
    """

    def load(model: bytes) -> Run:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = FATAL
        wanted = list(providers or ("CPUExecutionProvider",))
        session = onnxruntime.InferenceSession(model, options, providers=wanted)
        return lambda feeds: session.run(None, dict(feeds))

    return load


def evaluator(model: bytes) -> Run:
    """The evaluator that comes with the package onnx, which computes in the precision of the model."""
    from onnx.reference import ReferenceEvaluator

    program = ReferenceEvaluator(onnx.load_model_from_string(model))
    return lambda feeds: program.run(None, dict(feeds))


def require_versions(target: str) -> None:
    """The packages are new enough.

    Raises
    ------
    TargetUnusableError
        When one is not: it says which version is there, and which is needed.
    """
    for package in (onnx, onnxruntime):
        name, found = package.__name__, str(package.__version__)
        if numbers(found) < OLDEST[name]:
            needed = ".".join(map(str, OLDEST[name]))
            why = f"{name} {found} is installed, and {needed} or newer is needed."
            raise TargetUnusableError(target, why, "Upgrade it: pip install --upgrade 'ltdcheck[onnx]'")


def numbers(version: str) -> tuple[int, ...]:
    """The first two numbers of a version."""
    return tuple(int(n) for n in re.findall(r"\d+", version)[:2])


def said(error: BaseException) -> str:
    """What an exception says, in one line, without the place in ONNX Runtime's own source."""
    words = re.sub(r"\[ONNXRuntimeError\] : \d+ : \w+ : |/onnxruntime_src/\S+:\d+ .*?\) (?=\w)", "", str(error))
    return f"{type(error).__name__}: {' '.join(words.split()).rstrip('.')}"


def typed(dtype: str) -> Any:
    """ONNX's number for a type of NumPy's."""
    import numpy as np

    return onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
