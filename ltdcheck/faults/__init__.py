"""The catalogue of faults; importing a subject registers its faults."""

from __future__ import annotations

# isort: off
from ltdcheck.faults import (  # noqa: F401
    arrangement,
    bptt,
    calls,
    carry,
    clockwork,
    continuous,
    cotangents,
    delay,
    echo_state,
    gates,
    gradients,
    greff,
    gru,
    leaky,
    liquid_state,
    lstm,
    reset,
    shared_gates,
    sizes,
    slopes,
    state,
    transposes,
    weights,
)

# after those above: of two faults that explain a target equally well, the one that was known first is named
from ltdcheck.faults import (  # noqa: F401
    activations,
    elman_lines,
    folding,
    gate_weights,
    gru_lines,
    history,
    lstm_lines,
    precision,
    projection,
    ragged,
    sums,
    terms,
    unregistered,
    zeros,
)
