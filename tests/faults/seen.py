"""Each fault of the list of those seen in public trackers, and the ids under which it is planted.

A row stands for all of its sites. Where there is no id the entry says why.
"""

from __future__ import annotations

SEEN: dict[str, tuple[str, ...]] = {
    # forward equations
    "gru-reset-placement": ("gru-reset-placement",),
    "gru-hidden-bias-outside-reset": ("gru-hidden-bias-outside-reset",),
    "gru-hidden-bias-missing": ("gru-hidden-bias-missing",),
    "gru-update-swapped": ("gru-update-swapped", "gru-update-swapped.single-step"),
    "gru-reset-unused": ("gru-reset-unused",),
    "candidate-double-activation": ("candidate-double-activation",),
    "candidate-gate-activation": ("candidate-gate-activation", "candidate-gate-activation.ignored"),
    "gate-unbounded": ("gate-unbounded",),
    "lstm-output-from-candidate": ("lstm-output-from-candidate",),
    "lstm-sum-for-product": ("lstm-sum-for-product",),
    "lstm-bias-shared": ("lstm-bias-shared", "gru-bias-shared"),
    "bias-doubled": ("bias-doubled",),
    "peephole-stale": ("peephole-stale",),
    "gate-order": ("gate-order",),
    "recurrent-transposed": ("recurrent-transposed",),
    "activation-clip-partial": ("activation-clip-partial",),
    "leak-on-preactivation": ("leak-on-preactivation",),
    "leak-swapped": ("leak-swapped",),
    # state, time, direction, padding
    "state-dead": ("state-dead",),
    "state-pair-wrong": ("state-pair-wrong",),
    "state-given-ignored": ("state-given-ignored",),
    "state-leaks-between-calls": ("state-leaks-between-calls",),
    "direction-not-reversed": ("direction-not-reversed",),
    "direction-output-not-flipped": ("direction-output-not-flipped",),
    "direction-ignored": ("direction-ignored",),
    "reverse-flips-padding": ("reverse-flips-padding",),
    "final-state-at-padding": ("final-state-at-padding",),
    "reverse-final-at-wrong-end": ("reverse-final-at-wrong-end",),
    "unsort-missing": ("unsort-missing",),
    "zero-length-row": ("zero-length-row",),
    "future-leak": ("future-leak", "future-leak.teacher-forcing"),
    "attention-over-padding": ("attention-over-padding",),
    # backward passes
    "bptt-carry-missing": ("bptt-carry-missing",),
    "bptt-carry-partial": ("bptt-carry-partial",),
    "bptt-truncated": ("bptt-truncated",),
    "bptt-transpose-missing": ("bptt-transpose-missing",),
    "activation-derivative-doubled": ("activation-derivative-doubled",),
    "weight-gradient-shifted": ("weight-gradient-shifted",),
    "gradient-replaced": ("gradient-replaced",),
    "final-state-cotangent-dropped": ("final-state-cotangent-dropped",),
    "gradient-scaled": ("gradient-scaled",),
    "backward-empty": ("backward-empty",),
    "dropout-mask-lost": (),
    # clipping
    "clip-no-clamp": ("clip-no-clamp",),
    "clip-per-tensor": ("clip-per-tensor",),
    "clip-norm-squared": ("clip-norm-squared",),
    "clip-nonfinite": ("clip-nonfinite",),
    "clip-negative-threshold": ("clip-negative-threshold",),
    "clip-scales-nothing": ("clip-scales-nothing",),
    "clip-low-precision-norm": ("clip-low-precision-norm",),
    "clip-shard-combiner": ("clip-shard-combiner",),
    "clip-zero": ("clip-zero",),
    "clip-value-for-norm": ("clip-value-for-norm",),
    "clip-group-missing": ("clip-group-missing",),
    # memory and reservoirs
    "address-not-circular": ("address-not-circular",),
    "address-zero-division": ("address-zero-division",),
    "head-state-crossed": ("head-state-crossed",),
    "radius-no-effect": ("radius-no-effect",),
    "radius-criterion-wrong": ("radius-criterion-wrong",),
}

NOT_PLANTED = {
    "dropout-mask-lost": "it lies between layers, in training: the table of ltdcheck.faults.dropout has it",
}
