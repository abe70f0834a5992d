"""What a report finds wrong in frameworks, and the script here that shows it with the framework and NumPy alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ltdcheck.result import Result

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Shown:
    """One thing that is wrong: where findings of it are, by patterns of targets and properties, and what it is."""

    target: str
    property: str
    script: str
    what: str

    def covers(self, result: Result) -> bool:
        """The result is a finding of this."""
        return bool(re.search(self.target, result.target) and re.fullmatch(self.property, result.property))


_KERAS_DOUBLES = "keras computes float64 in float32 on this backend: a product with float64 is promoted to float32"
SHOWN = (
    Shown(
        r"adapters\.onnx:",
        "sequence.zero_steps",
        "onnxruntime_no_steps.py",
        "ONNX Runtime answers a sequence of no steps with zeros or with what was in memory, or ends the process",
    ),
    Shown(
        r"block_lstm_v2",
        "gradients.backward_agrees",
        "tensorflow_block_lstm.py",
        "the gradient of BlockLSTMV2 is that of BlockLSTM, whose gates have another order",
    ),
    Shown(
        r"KERAS_BACKEND=torch .*stateful",
        "values.forward_agrees|precision.single_agrees_with_double",
        "keras_stateful.py",
        "a stateful layer writes its new states where torch still needs the old ones for the gradient",
    ),
    Shown(r"KERAS_BACKEND=(jax|torch) ", "values.forward_agrees", "keras_float64.py", _KERAS_DOUBLES),
    Shown(
        r"KERAS_BACKEND=torch keras.optimizers",
        r"clipping\..*",
        "keras_clipping_float64.py",
        "keras clips gradients in float64 in float32 on torch",
    ),
    Shown(
        r"KERAS_BACKEND=jax .*stateful",
        "sequence.goes_on",
        "keras_stateful.py",
        "the states that a stateful layer keeps are not handed on where keras compiles for jax",
    ),
    Shown(
        r"KERAS_BACKEND=torch ",
        r"ragged\.agrees|ragged\.full_lengths_change_nothing",
        "keras_masked_float64.py",
        f"{_KERAS_DOUBLES}, which happens only where a mask is given",
    ),
    Shown(
        r"flax\.nnx:SimpleCell",
        "values.forward_agrees",
        "flax_simple_cell.py",
        "the SimpleCell of nnx computes in float32 whatever it is given",
    ),
    *(
        Shown(
            r"flax_factories:",
            law,
            "flax_no_steps.py",
            "of a row of no steps, RNN returns what the cell makes of its padding, and outputs go on over padding",
        )
        for law in ("ragged.agrees", "ragged.padding_has_no_effect")
    ),
)


def shown(result: Result) -> Shown | None:
    """What the finding is of, if a script shows it."""
    return next((each for each in SHOWN if each.covers(result)), None)
