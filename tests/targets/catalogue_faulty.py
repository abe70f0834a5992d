"""Targets with one fault each, and right ones that a declaration makes wrong."""

from targets.catalogue_right import CLAIMED, RIGHT
from targets.rows import HERE, Target, Trigger

ANY, STEPS, ROWS = Trigger(), Trigger(T=2), Trigger(B=2)
TWICE = Trigger(state=False, calls=2)
LONGER = Trigger(T=4)  # the cut is three steps before the end
SIBLINGS = {target.spec: target for target in RIGHT}

# class suffix -> fault id where it differs, trigger
_COMMON = {
    "candidate_double_activation": ANY,
    "gate_unbounded": ANY,
    "bias_doubled": ANY,
    "recurrent_transposed": ANY,
    "state_dead": STEPS,
    "state_given_ignored": ANY,
    "state_leaks_between_calls": TWICE,
    "future_leak": STEPS,
    "bptt_carry_missing": STEPS,
    "bptt_carry_partial": STEPS,
    "bptt_truncated": LONGER,
    "bptt_transpose_missing": ANY,
    "activation_derivative_doubled": ANY,
    "gradient_replaced": STEPS,
    "backward_empty": ANY,
}
_LSTM = {
    **_COMMON,
    "gate_without_sigmoid": ANY,
    "lstm_output_from_candidate": ANY,
    "lstm_sum_for_product": ANY,
    "lstm_bias_shared": ANY,
    "gate_order": ANY,
    "activation_clip_partial": Trigger(scale=9),
    "state_pair_wrong": ANY,
    "cell_state_given_ignored": ANY,
    "bptt_carry_partial_c": STEPS,
    "final_state_cotangent_dropped": Trigger(loss="c"),
    "gradient_scaled": ROWS,
}
_GRU = {
    **_COMMON,
    "gru_reset_placement": ANY,
    "gru_hidden_bias_outside_reset": ANY,
    "gru_update_swapped": ANY,
    "gru_reset_unused": ANY,
    "candidate_gate_activation": ANY,
    "gate_without_sigmoid": ANY,
    "bias_shared": ANY,
    "final_state_cotangent_dropped": Trigger(loss="h"),
}
_ELMAN = {
    **_COMMON,
    "weight_gradient_shifted": ANY,
    "gradient_scaled": ROWS,
    "final_state_cotangent_dropped": Trigger(loss="h"),
}
_NUMPY = {"weight_gradient_shifted": ANY, "gradient_scaled": ROWS, "gradient_scaled_time": STEPS}

# Where a class shows a fault of the catalogue in another way than its name says.
_IDS = {
    "gate_without_sigmoid": "gate-unbounded",
    "cell_state_given_ignored": "state-given-ignored",
    "bptt_carry_partial_c": "bptt-carry-partial",
    "bptt_carry_partial_gate": "bptt-carry-partial",
    "bptt_carry_partial_direct": "bptt-carry-partial",
    "bptt_carry_partial_reset": "bptt-carry-partial",
    "gradient_scaled_time": "gradient-scaled",
    "gradient_order": "gate-order",
    "bias_shared": "lstm-bias-shared",
    "gru_reset_placement_backward": "gru-reset-placement",
    "output_detached": "output-detached",
    "weight_data": "weight-detached",
    "unregistered": "weight-unregistered",
}
_NOTES = {
    "gru_hidden_bias_outside_reset": "as a function, a GRU without the hidden candidate bias: the inventory tells",
    "unregistered": "named_parameters() lacks it: its gradient never comes, and no other block makes up for it",
    "state_leaks_between_calls": "only calls without a state",
    "gate_order": "a single step reads another order than the loop",
    "gru_reset_placement": "a single step places it elsewhere than the loop",
    "gru_update_swapped": "a single step is swapped, the loop is not",
}


def _faulty(cell: str, file: str, base: str, rows: dict[str, Trigger]) -> list[Target]:
    right = SIBLINGS[f"{HERE}{file}.py:{base}"]
    prefix = lambda name: name.removeprefix(f"{base.lower()}_")
    made = []
    for name, trigger in rows.items():
        fault = _IDS.get(name, name.replace("_", "-"))
        attribute = name if name[0].isupper() else f"{base}_{prefix(name)}"
        spec, note = f"{HERE}{file}.py:{attribute}", _NOTES.get(name, "")
        made.append(Target(spec, cell, right.variant, right.layout, fault, trigger, right.spec, note=note))
    return made


def _other(attribute: str, right: str, fault: str, trigger: Trigger) -> Target:
    """One in a layout of its own."""
    sibling = SIBLINGS[HERE + right]
    spec = f"{HERE}{right.partition(':')[0]}:{attribute}"
    return Target(spec, sibling.cell, sibling.variant, sibling.layout, fault, trigger, sibling.spec)


_TORCH = {"weight_data": ANY}

FAULTY = [
    *_faulty("lstm", "numpy_lstm", "LSTM", _LSTM | _NUMPY | {"bptt_carry_partial_gate": ANY, "gradient_order": ANY}),
    *_faulty(
        "gru",
        "numpy_gru",
        "GRU",
        _GRU
        | _NUMPY
        | {
            "gate_order": ANY,
            "gru_reset_placement_backward": ANY,
            "bptt_carry_partial": ANY,
            "bptt_carry_partial_direct": ANY,
            "bptt_carry_partial_reset": ANY,
        },
    ),
    *_faulty("elman", "numpy_elman", "Elman", _ELMAN | _NUMPY),
    _other("CarryPartial", "numpy_gru_layouts.py:Separate", "bptt-carry-partial", ANY),
    _other("WeightGradientShifted", "numpy_gru_layouts.py:Separate", "weight-gradient-shifted", ANY),
    *_faulty("lstm", "torch_lstm", "LSTM", _LSTM | _TORCH | {"output_detached": ANY}),
    *_faulty("gru", "torch_gru", "GRU", _GRU | _TORCH | {"bptt_carry_partial_reset": ANY}),
    *_faulty("elman", "torch_elman", "Elman", _ELMAN),
    *_faulty("lstm", "torch_lstm", "LSTM", {"unregistered": ANY}),
    SIBLINGS["examples/my_gru.py:MyGRU"]._replace(
        spec="examples/my_gru_wrong.py:MyGRU",
        fault="bptt-carry-partial",
        trigger=ANY,
        right="examples/my_gru.py:MyGRU",
    ),
]


def _declared(spec: str, fault: str, declared: str, cell: str = "", **fields: tuple[str, ...]) -> Target:
    """``declared`` is a word that takes the place of what the target is."""
    known = SIBLINGS.get(HERE + spec, Target(HERE + spec, cell))
    return known._replace(fault=fault, trigger=ANY, declared=(declared,), **fields)


_SIGMOID = {"variant": ("candidate=sigmoid", "peepholes=none"), "layout": ("fused", "order=i f g o", "biases=1")}

_GATE_ACTIVATION = "candidate-gate-activation"

DECLARED = [
    _declared("numpy_lstm.py:LSTM_candidate_gate_activation", _GATE_ACTIVATION, "candidate=tanh", "lstm", **_SIGMOID),
    _declared("torch_lstm.py:LSTM_candidate_gate_activation", _GATE_ACTIVATION, "candidate=tanh", "lstm", **_SIGMOID),
    _declared("numpy_lstm_peepholes.py:PeepholePrevious", "peephole-stale", "peepholes=current"),
    _declared("torch_layouts.py:LSTMPeepholePrevious", "peephole-stale", "peepholes=current"),
    _declared("numpy_lstm_layouts.py:HFirst", "gate-order", "order=i f g o"),
    _declared("torch_layouts.py:LSTMFusedIOFC", "gate-order", "order=i f g o"),
    _declared("numpy_gru_layouts.py:KerasAfter", "gate-order", "order=r z n"),
    _declared("numpy_gru_layouts.py:Separate", "gru-reset-placement", "reset=after"),
    _declared("numpy_gru.py:GRU_hidden_bias_missing", "gru-hidden-bias-missing", "biases=1+n"),
    _declared("torch_gru.py:GRU_hidden_bias_missing", "gru-hidden-bias-missing", "biases=1+n"),
    _declared("torch_layouts.py:GRUBefore", "gru-reset-placement", "reset=after"),
    _declared("numpy_gru_layouts.py:FusedReplaces", "gru-update-swapped", "update=keeps"),
    _declared("torch_layouts.py:GRUFusedZRH", "gru-update-swapped", "update=keeps"),
    _declared("numpy_elman_layouts.py:Rows", "recurrent-transposed", "not transposed"),
    _declared("torch_layouts.py:LSTMBatchFirst", "recurrent-transposed", "not transposed"),
]


def _of_claimed(right: str, *faults: str) -> list[Target]:
    """Faults of a right target of a claimed family; a class is called like the row of the catalogue that it shows."""
    sibling = next(target for target in CLAIMED if target.spec == HERE + right)
    specs = {fault: f"{sibling.spec}_{fault.replace('-', '_')}" for fault in faults}
    return [sibling._replace(spec=specs[f], fault=_ROWS.get(f, f), right=sibling.spec) for f in faults]


_ROWS = {
    "output-squashed": "jordan-output-squashed",
    "squashed": "preactivation-squashed",
    "slope-missing": "preactivation-slope-missing",
    "off-by-one": "delay-off-by-one",
    "idle-zeroed": "clockwork-idle-zeroed",
    "gradient-unmasked": "clockwork-gradient-unmasked",
    "unused": "gate-recurrence-unused",
}

CLAIMED_FAULTY = [
    *_of_claimed("numpy_identity_rnn.py:IRNN", "bptt-transpose-missing", "bptt-carry-missing"),
    *_of_claimed("numpy_preactivation.py:Preactivation", "squashed", "slope-missing"),
    *_of_claimed("numpy_jordan.py:Jordan", "output-squashed", "bptt-carry-missing"),
    *_of_claimed("numpy_continuous.py:Continuous", "leak-missing", "bptt-carry-partial"),
    *_of_claimed("numpy_delay.py:Delay", "off-by-one", "bptt-carry-partial"),
    *_of_claimed("numpy_clockwork.py:Clockwork", "idle-zeroed", "gradient-unmasked"),
    *_of_claimed("numpy_continuous.py:OfState", "bptt-carry-partial"),
    *_of_claimed("numpy_leaky.py:Leaky_groups", "bptt-carry-partial"),
    *_of_claimed("numpy_greff.py:Coupled", "coupling-inverted", "peephole-unused"),
    *_of_claimed("numpy_greff.py:GateRecurrence", "unused", "bptt-carry-partial"),
    *_of_claimed("numpy_shared_gates.py:GroupGates", "gate-group-interleaved", "gate-group-mean"),
    *_of_claimed("numpy_shared_gates.py:LayerGates", "gate-product-slope"),
    *_of_claimed("numpy_echo_state.py:Reservoir", "leak-on-preactivation", "bptt-carry-partial"),
    *_of_claimed("numpy_liquid_state.py:Liquid", "spike-without-reset", "spike-not-binary"),
]
