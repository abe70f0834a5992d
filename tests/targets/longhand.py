"""The equations gate by gate, and where each target keeps each gate's U, W and b, (H, I), (H, H), (H,)."""

import numpy as np


def sg(a):
    return 1 / (1 + np.exp(-a))


PHI = {"tanh": np.tanh, "relu": lambda a: np.maximum(a, 0), "identity": lambda a: a, "sigmoid": sg}


def forward(target, gates, x, state):
    """y (T, B, H) and the final state, from ``{gate: (U, W, b, b_h)}``."""
    options = dict(word.split("=") for word in target.variant)
    step, ys = {"lstm": lstm, "gru": gru, "elman": elman}[target.cell], []
    for x_t in x:
        state = step(options, gates, x_t, *state)
        ys.append(state[0])
    return np.array(ys).reshape(len(x), *state[0].shape), state


def affine(gate, x, h):
    U, W, b, b_h = gate
    return x @ U.T + h @ W.T + b + b_h


def elman(options, gates, x, h):
    return (PHI[options["nonlinearity"]](affine(gates[""], x, h)),)


def lstm(options, gates, x, h, c):
    peep = {k: gates["p"][k] if options["peepholes"] != "none" else 0 for k in "ifo"}
    i, f = (sg(affine(gates[k], x, h) + peep[k] * c) for k in "if")
    new = f * c + i * PHI[options["candidate"]](affine(gates["g"], x, h))
    o = sg(affine(gates["o"], x, h) + peep["o"] * (c if options["peepholes"] == "previous" else new))
    return o * np.tanh(new), new


def gru(options, gates, x, h):
    z, r = (sg(affine(gates[k], x, h)) for k in "zr")
    U, W, b, b_h = gates["n"]
    before = options["reset"] == "before"
    n = np.tanh(x @ U.T + b + ((r * h) @ W.T + b_h if before else r * (h @ W.T + b_h)))
    return (z * h + (1 - z) * n,) if options["update"] == "keeps" else ((1 - z) * h + z * n,)


def order_of(target, default):
    return next((w[6:].replace(" ", "") for w in target.layout if w.startswith("order=")), default)


def rows(target, U, W, b=None, b_h=None, default=""):
    """Gates of (k*H, I), (k*H, H), (k*H,) in the target's order."""
    k = len(order_of(target, default)) or 1
    parts = [np.split(a, k) if a is not None else [np.zeros(len(W) // k)] * k for a in (U, W, b, b_h)]
    return dict(zip(order_of(target, default) or ("",), zip(*parts, strict=True), strict=True))


def joined(target, W, b=None, I=0):
    """The same from one (k*H, n), the input's columns first or last, the bias perhaps the last column."""
    if "bias in weight" in target.layout:
        W, b = W[:, :-1], W[:, -1]
    first = "x first" in target.layout
    return rows(target, *((W[:, :I], W[:, I:]) if first else (W[:, -I:], W[:, :-I])), b)


def apart(p, gates, U, W, b=None, b_h=None, *, turn=False):
    """Gates kept under their own names; templates with one ``*``."""
    of = lambda template, k: p[template.replace("*", k)]
    none = np.zeros(len(of(W, gates[0])))
    vector = lambda template, k: none if template is None else of(template, k).ravel()
    matrix = lambda template, k: of(template, k).T if turn else of(template, k)
    return {k[-1]: (matrix(U, k), matrix(W, k), vector(b, k), vector(b_h, k)) for k in gates}


def gate_matrices(t, p, gates, W, b=None, I=0, names=None):
    """One matrix for [x, h] and each gate."""
    vector = lambda k: None if b is None else p[b.replace("*", k)].ravel()
    return {(names or {}).get(k, k): joined(t, p[W.replace("*", k)], vector(k), I)[""] for k in gates}


def cube(t, U, W, b=None, b_h=None):
    """(k, H, I), (k, H, H), (k, H)."""
    flat = lambda a: None if a is None else a.reshape(-1, a.shape[-1])
    return rows(t, flat(U), flat(W), None if b is None else b.ravel(), b_h)


def unit_major(t, Wx, Wh, b):
    """(I, H, 4), (H, H, 4), (H, 4)."""
    return cube(t, Wx.transpose(2, 1, 0), Wh.transpose(2, 1, 0), b.T)


def peeped(gates, p):
    return {**gates, "p": {k: p[f"p_{k}"] for k in "ifo"}}


def first_rows(b_n):
    return np.concatenate([b_n, np.zeros(2 * len(b_n))])


def last_rows(b_n):
    return np.concatenate([np.zeros(2 * len(b_n)), b_n])


def linears(p):
    """LSTMLinears: a module's name for each gate."""
    names = {"i": "input_gate", "f": "forget", "g": "cell", "o": "out"}
    take = lambda name: [p[f"{name}_{part}"] for part in ("x.weight", "h.weight", "x.bias", "h.bias")]
    return {k: tuple(take(name)) for k, name in names.items()}


def spec(name):
    return f"tests/targets/{name}"


def maps(p):
    """MyGRU of the examples: a pair of modules for each gate."""
    take = lambda name: (p[f"x_to_{name}.weight"], p[f"h_to_{name}.weight"], p[f"x_to_{name}.bias"], 0)
    return {k: take(name) for k, name in {"r": "reset", "z": "update", "n": "new"}.items()}


IN_PLACE = {
    "examples/my_lstm.py:MyLSTM": lambda t, p, I: joined(t, p["W"].T, p["b"], I),
    "examples/my_gru.py:MyGRU": lambda t, p, I: maps(p),
    spec("numpy_lstm.py:LSTM"): lambda t, p, I: rows(t, p["W_x"], p["W_h"], p["b"]),
    spec("numpy_lstm_layouts.py:XFirst"): lambda t, p, I: joined(t, p["W"], p["b"], I),
    spec("numpy_lstm_layouts.py:HFirst"): lambda t, p, I: joined(t, p["W"], p["b"], I),
    spec("numpy_lstm_layouts.py:Transposed"): lambda t, p, I: joined(t, p["W"].T, p["b"], I),
    spec("numpy_lstm_layouts.py:BiasRow"): lambda t, p, I: joined(t, p["W"].T, None, I),
    spec("numpy_lstm_layouts.py:BiasColumn"): lambda t, p, I: joined(t, p["W"], None, I),
    spec("numpy_lstm_layouts.py:PerGate"): lambda t, p, I: gate_matrices(t, p, "ifco", "W*", "b*", I, {"c": "g"}),
    spec("numpy_lstm_layouts.py:Separate"): lambda t, p, I: apart(p, "ifgo", "U_*", "W_*", "b_*"),
    spec("numpy_lstm_layouts.py:SeparateSideways"): lambda t, p, I: apart(p, "ifgo", "U_*", "W_*", "b_*", turn=True),
    **{
        spec(f"numpy_lstm_kernels.py:{name}"): lambda t, p, I: rows(
            t, p["kernel"].T, p["recurrent_kernel"].T, p.get("bias")
        )
        for name in ("Keras", "StateCH", "CandidateSigmoid", "NoBias")
    },
    spec("numpy_lstm_kernels.py:ThreeD"): lambda t, p, I: cube(t, p["U"], p["W"], p["b"]),
    spec("numpy_lstm_kernels.py:UnitMajor"): lambda t, p, I: unit_major(t, p["Wx"], p["Wh"], p["b"]),
    spec("numpy_lstm_kernels.py:Interleaved"): lambda t, p, I: unit_major(
        t, p["Wx"].reshape(I, -1, 4), p["Wh"].reshape(len(p["Wh"]), -1, 4), p["b"].reshape(-1, 4)
    ),
    spec("numpy_lstm_kernels.py:TwoBiases"): lambda t, p, I: rows(t, p["w_ih"], p["w_hh"], p["b_ih"], p["b_hh"]),
    spec("numpy_lstm_peepholes.py:Peephole"): lambda t, p, I: peeped(joined(t, p["W"], p["b"], I), p),
    spec("numpy_lstm_peepholes.py:PeepholePrevious"): lambda t, p, I: peeped(joined(t, p["W"], p["b"], I), p),
    spec("numpy_gru.py:GRU"): lambda t, p, I: rows(t, p["U"], p["W"], p["b"], last_rows(p["b_h"])),
    spec("numpy_gru.py:GRU_hidden_bias_missing"): lambda t, p, I: rows(t, p["U"], p["W"], p["b"]),
    spec("numpy_gru_layouts.py:PerGate"): lambda t, p, I: gate_matrices(t, p, "zrh", "W_*", "b_*", I, {"h": "n"}),
    spec("numpy_gru_layouts.py:PerGateKeeps"): lambda t, p, I: gate_matrices(t, p, "zrh", "W_*", "b_*", I, {"h": "n"}),
    spec("numpy_gru_layouts.py:NoBias"): lambda t, p, I: gate_matrices(t, p, "zrh", "W_*", None, I, {"h": "n"}),
    spec("numpy_gru_layouts.py:Fused"): lambda t, p, I: rows(t, p["w_ih"], p["w_hh"], p["b_ih"], p["b_hh"]),
    spec("numpy_gru_layouts.py:FusedReplaces"): lambda t, p, I: rows(t, p["w_ih"], p["w_hh"], p["b_ih"], p["b_hh"]),
    spec("numpy_gru_layouts.py:KerasAfter"): lambda t, p, I: rows(
        t, p["kernel"].T, p["recurrent_kernel"].T, p["bias"][0], p["bias"][1]
    ),
    spec("numpy_gru_layouts.py:ThreeD"): lambda t, p, I: cube(t, p["U"], p["W"], p["b"], first_rows(p["b_n"])),
    spec("numpy_gru_layouts.py:Separate"): lambda t, p, I: apart(p, "zrn", "U*", "W*", "b*", turn=True),
    spec("numpy_elman.py:Elman"): lambda t, p, I: rows(t, p["U"], p["W"], p["b"]),
    spec("numpy_elman_layouts.py:Concatenated"): lambda t, p, I: joined(t, p["W"], p["b"], I),
    spec("numpy_elman_layouts.py:Relu"): lambda t, p, I: joined(t, p["W"].T, p["b"], I),
    spec("numpy_elman_layouts.py:Linear"): lambda t, p, I: joined(t, p["W"], p["b"], I),
    spec("numpy_elman_layouts.py:Columns"): lambda t, p, I: rows(t, p["Wxh"], p["Whh"], p["bh"].ravel()),
    spec("numpy_elman_layouts.py:Rows"): lambda t, p, I: rows(t, p["Wx"].T, p["Wh"].T, p["b_x"], p["b_h"]),
    spec("numpy_elman_layouts.py:NoBias"): lambda t, p, I: rows(t, p["Wx"].T, p["Wh"].T),
    spec("torch_lstm.py:LSTM"): lambda t, p, I: rows(t, p["w_x"], p["w_h"], p["b"]),
    spec("torch_gru.py:GRU"): lambda t, p, I: {
        **apart(p, "zrn", "U_*", "W_*", "b_*"),
        "n": (p["U_n"], p["W_n"], p["b_n"], p["c_n"]),
    },
    spec("torch_gru.py:GRU_hidden_bias_missing"): lambda t, p, I: apart(p, "zrn", "U_*", "W_*", "b_*"),
    spec("torch_elman.py:Elman"): lambda t, p, I: rows(t, p["U"], p["W"], p["b"]),
    **{
        spec(f"torch_layouts.py:LSTM{name}"): lambda t, p, I: joined(t, p["linear.weight"], p["linear.bias"], I)
        for name in ("Fused", "FusedHFirst", "FusedIOFC", "FusedIJFO", "StateCH", "LayersAxis")
    },
    spec("torch_layouts.py:LSTMLinears"): lambda t, p, I: linears(p),
    spec("torch_layouts.py:LSTMBatchFirst"): lambda t, p, I: rows(t, p["kernel"].T, p["recurrent_kernel"].T, p["bias"]),
    spec("torch_layouts.py:LSTMStacked"): lambda t, p, I: cube(t, p["W"], p["R"], p["b"]),
    spec("torch_layouts.py:LSTMPeephole"): lambda t, p, I: peeped(apart(p, "ifgo", "W_*", "R_*", "b_*"), p),
    spec("torch_layouts.py:LSTMPeepholePrevious"): lambda t, p, I: peeped(apart(p, "ifgo", "W_*", "R_*", "b_*"), p),
    spec("torch_layouts.py:LSTMCell"): lambda t, p, I: rows(t, p["i2h.weight"], p["h2h.weight"], p["i2h.bias"]),
    spec("torch_layouts.py:GRULinears"): lambda t, p, I: {
        k: joined(t, p[f"{name}.weight"], p[f"{name}.bias"], I)[""]
        for k, name in {"r": "reset", "z": "update", "n": "new"}.items()
    },
    **{
        spec(f"torch_layouts.py:{name}"): lambda t, p, I: rows(
            t, p["x2h.weight"], p["h2h.weight"], p["x2h.bias"], p["h2h.bias"]
        )
        for name in ("GRUFused", "GRUFusedZRH")
    },
    spec("torch_layouts.py:GRUBefore"): lambda t, p, I: rows(t, p["kernel"].T, p["recurrent_kernel"].T, p["bias"]),
    spec("torch_layouts.py:GRUCell"): lambda t, p, I: cube(t, p["W"], p["R"]),
    **{
        spec(f"torch_layouts.py:Elman{name}"): lambda t, p, I: joined(t, p["i2h.weight"], p["i2h.bias"], I)
        for name in ("Fused", "Relu", "Sigmoid")
    },
    spec("torch_layouts.py:ElmanLinear"): lambda t, p, I: rows(t, p["Wx"].T, p["Wh"].T),
    spec("torch_layouts.py:ElmanCell"): lambda t, p, I: rows(
        t, p["ih.weight"], p["hh.weight"], p["ih.bias"], p["hh.bias"]
    ),
}


def gates_of(target, params, I):
    return IN_PLACE[target.spec](target, params, I)
