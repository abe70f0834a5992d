"""Targets that conform, in the layouts that people use."""

from targets.rows import HERE, Target, words


def _right(cell: str, file: str, rows: dict[str, tuple[str, str]]) -> list[Target]:
    """Rows of ``class: (variant words, layout words)``."""
    return [Target(f"{HERE}{file}.py:{name}", cell, words(v), words(lay)) for name, (v, lay) in rows.items()]


BEFORE, AFTER = "reset=before", "reset=after"
KEEPS, REPLACES = "update=keeps", "update=replaces"
_PEEP = "candidate=tanh, peepholes=current"
_PEEP_PREVIOUS = "candidate=tanh, peepholes=previous"
_LSTM = "candidate=tanh, peepholes=none"
_SIGMOID = "candidate=sigmoid, peepholes=none"

RIGHT = [
    *_right("lstm", "numpy_lstm", {"LSTM": (_LSTM, "fused, order=i f g o, biases=1")}),
    *_right(
        "lstm",
        "numpy_lstm_layouts",
        {
            "XFirst": (_LSTM, "fused, x first, order=i f g o, biases=1"),
            "HFirst": (_LSTM, "fused, h first, order=f i g o, biases=1"),
            "Transposed": (_LSTM, "fused, x first, transposed, order=i g f o, biases=1"),
            "BiasRow": (_LSTM, "fused, h first, transposed, bias in weight, order=i o f g, biases=1"),
            "BiasColumn": (_LSTM, "fused, x first, bias in weight, order=o f i g, biases=1"),
            "PerGate": (_LSTM, "per gate, h first, column vectors, biases=1"),
            "Separate": (_LSTM, "separate, biases=1"),
            "SeparateSideways": (_LSTM, "separate, transposed, biases=1"),
        },
    ),
    *_right(
        "lstm",
        "numpy_lstm_kernels",
        {
            "Keras": (_LSTM, "fused, transposed, order=i f g o, biases=1"),
            "StateCH": (_LSTM, "fused, transposed, order=i f g o, biases=1, state=c h"),
            "CandidateSigmoid": (_SIGMOID, "fused, transposed, order=i f g o, biases=1"),
            "ThreeD": (_LSTM, "fused, gate axis, order=o i g f, biases=1"),
            "Interleaved": (_LSTM, "fused, transposed, interleaved, order=i f g o, biases=1"),
            "UnitMajor": (_LSTM, "fused, transposed, gate axis, interleaved, order=f i o g, biases=1"),
            "TwoBiases": (_LSTM, "fused, order=i f g o, biases=2"),
            "NoBias": (_LSTM, "fused, transposed, order=i f g o, biases=0"),
        },
    ),
    *_right(
        "lstm",
        "numpy_lstm_peepholes",
        {
            "Peephole": (_PEEP, "fused, x first, order=i f o g, biases=1"),
            "PeepholePrevious": (_PEEP_PREVIOUS, "fused, x first, order=i f o g, biases=1"),
        },
    ),
    *_right(
        "gru",
        "numpy_gru",
        {
            "GRU": (f"{AFTER}, {KEEPS}", "fused, order=z r n, biases=1+n"),
            "GRU_hidden_bias_missing": (f"{AFTER}, {KEEPS}", "fused, order=z r n, biases=1"),
        },
    ),
    *_right(
        "gru",
        "numpy_gru_layouts",
        {
            "PerGate": (f"{BEFORE}, {REPLACES}", "per gate, h first, biases=1"),
            "PerGateKeeps": (f"{BEFORE}, {KEEPS}", "per gate, x first, biases=1"),
            "NoBias": (f"{BEFORE}, {REPLACES}", "per gate, h first, biases=0"),
            "Fused": (f"{AFTER}, {KEEPS}", "fused, order=r z n, biases=2"),
            "FusedReplaces": (f"{AFTER}, {REPLACES}", "fused, order=r z n, biases=2"),
            "KerasAfter": (f"{AFTER}, {KEEPS}", "fused, transposed, order=z r n, biases=2"),
            "ThreeD": (f"{AFTER}, {KEEPS}", "fused, gate axis, order=n z r, biases=1+n"),
            "Separate": (f"{BEFORE}, {KEEPS}", "separate, transposed, biases=1"),
        },
    ),
    *_right("elman", "numpy_elman", {"Elman": ("nonlinearity=tanh", "separate, biases=1")}),
    *_right(
        "elman",
        "numpy_elman_layouts",
        {
            "Concatenated": ("nonlinearity=tanh", "fused, x first, biases=1"),
            "Relu": ("nonlinearity=relu", "fused, h first, transposed, biases=1"),
            "Linear": ("nonlinearity=identity", "fused, h first, biases=1"),
            "Columns": ("nonlinearity=sigmoid", "separate, column vectors, biases=1"),
            "Rows": ("nonlinearity=tanh", "separate, transposed, biases=2"),
            "NoBias": ("nonlinearity=tanh", "separate, transposed, biases=0"),
        },
    ),
    *_right("lstm", "torch_lstm", {"LSTM": (_LSTM, "fused, order=i f g o, biases=1")}),
    *_right(
        "gru",
        "torch_gru",
        {
            "GRU": (f"{AFTER}, {KEEPS}", "separate, biases=1+n"),
            "GRU_hidden_bias_missing": (f"{AFTER}, {KEEPS}", "separate, biases=1"),
        },
    ),
    *_right("elman", "torch_elman", {"Elman": ("nonlinearity=tanh", "separate, biases=1")}),
    *_right(
        "lstm",
        "torch_layouts",
        {
            "LSTMFused": (_LSTM, "fused, x first, order=i f o g, biases=1"),
            "LSTMFusedHFirst": (_LSTM, "fused, h first, order=f i g o, biases=1"),
            "LSTMFusedIOFC": (_LSTM, "fused, x first, order=i o f g, biases=1"),
            "LSTMFusedIJFO": (_LSTM, "fused, x first, order=i g f o, biases=1"),
            "LSTMLinears": (_LSTM, "separate, biases=2"),
            "LSTMBatchFirst": (_LSTM, "fused, transposed, order=i f g o, biases=1, batch first"),
            "LSTMStateCH": (_LSTM, "fused, x first, order=i f o g, biases=1, state=c h"),
            "LSTMStacked": (_LSTM, "fused, gate axis, order=f i g o, biases=1"),
            "LSTMLayersAxis": (_LSTM, "fused, x first, order=i f o g, biases=1, layer axis"),
            "LSTMPeephole": (_PEEP, "separate, biases=1"),
            "LSTMPeepholePrevious": (_PEEP_PREVIOUS, "separate, biases=1"),
            "LSTMCell": (_LSTM, "fused, order=i f o g, biases=1, cell"),
        },
    ),
    *_right(
        "gru",
        "torch_layouts",
        {
            "GRULinears": (f"{BEFORE}, {REPLACES}", "per gate, x first, biases=1"),
            "GRUFused": (f"{AFTER}, {KEEPS}", "fused, order=r z n, biases=2"),
            "GRUFusedZRH": (f"{AFTER}, {REPLACES}", "fused, order=z r n, biases=2"),
            "GRUBefore": (f"{BEFORE}, {KEEPS}", "fused, transposed, order=z r n, biases=1, batch first"),
            "GRUCell": (f"{AFTER}, {KEEPS}", "fused, gate axis, order=z r n, biases=0, cell"),
        },
    ),
    *_right(
        "elman",
        "torch_layouts",
        {
            "ElmanFused": ("nonlinearity=tanh", "fused, x first, biases=1"),
            "ElmanRelu": ("nonlinearity=relu", "fused, h first, biases=1"),
            "ElmanSigmoid": ("nonlinearity=sigmoid", "fused, x first, biases=1"),
            "ElmanLinear": ("nonlinearity=identity", "separate, transposed, biases=0"),
            "ElmanCell": ("nonlinearity=tanh", "separate, biases=2, cell"),
        },
    ),
    Target(
        "examples/my_lstm.py:MyLSTM", "lstm", words(_LSTM), words("fused, x first, transposed, order=f i g o, biases=1")
    ),
    Target("examples/my_gru.py:MyGRU", "gru", (BEFORE, KEEPS), ("separate", "biases=1")),
]


def _claimed(cell: str, file: str, rows: dict[str, tuple[str, str]]) -> list[Target]:
    """Rows of ``class: (variant, layout)``, both as the report prints them."""
    return [Target(f"{HERE}{file}.py:{name}", cell, (v,), (lay,), claimed=True) for name, (v, lay) in rows.items()]


_GATES = "change=full gate recurrence"

CLAIMED = [
    *_claimed("elman", "numpy_identity_rnn", {"IRNN": ("nonlinearity=relu", "biases=1")}),
    *_claimed(
        "preactivation", "numpy_preactivation", {"Preactivation": ("", "biases=1"), "Concatenated": ("", "biases=1")}
    ),
    *_claimed("jordan", "numpy_jordan", {"Jordan": ("", "biases=1"), "Sideways": ("nonlinearity=sigmoid", "biases=1")}),
    *_claimed("leaky", "numpy_leaky", {"Leaky_groups": ("tau=(1.5, 6.0, 40.0)", "biases=1")}),
    *_claimed(
        "continuous",
        "numpy_continuous",
        {"Continuous": ("", "biases=1"), "OfState": ("phi_of=state, tau=(0.75, 3.0, 20.0)", "biases=1")},
    ),
    *_claimed(
        "delay",
        "numpy_delay",
        {"Delay": ("", "biases=1"), "OldestFirst": ("lag=5", "biases=1, state=(h5, h4, h3, h2, h)")},
    ),
    *_claimed(
        "clockwork",
        "numpy_clockwork",
        {"Clockwork": ("periods=(1, 2, 4, 8)", "biases=1"), "Concatenated": ("periods=(1, 3), start=0", "biases=1")},
    ),
    *_claimed(
        "greff",
        "numpy_greff",
        {
            "Coupled": ("change=coupled input and forget gate", "order=o f g, biases=1"),
            "GateRecurrence": (_GATES, "order=f i o g, biases=1"),
            "GateRecurrencePerGate": (_GATES, "biases=1"),
        },
    ),
    *_claimed(
        "shared_gates",
        "numpy_shared_gates",
        {"GroupGates": ("", "biases=1"), "LayerGates": ("gating=product, group=layer", "order=u r, biases=1")},
    ),
    *_claimed("echo_state", "numpy_echo_state", {"Reservoir": ("leak=0.3", "biases=1")}),
    *_claimed(
        "liquid_state",
        "numpy_liquid_state",
        {
            "Liquid": ("", "biases=1"),
            "PotentialFirst": ("reset=subtract, tau_m=20.0, threshold=0.5", "biases=1, state=(v, s)"),
        },
    ),
]
