"""Records made by hand: every status, every kind of finding, and text that tries to break out."""

from __future__ import annotations

import math
from dataclasses import replace

from ltdcheck.result import (
    Diagnosis,
    Finding,
    Footer,
    Header,
    Place,
    Record,
    Result,
    TargetSummary,
    count,
)

HEADER = Header(
    command="ltdcheck check torch.nn:LSTM my_gru.py:GRU native.py:LSTM deep.py:RNN --json record.jsonl",
    seed=20240917,
    profile="default",
    versions={"ltdcheck": "0.1.0", "python": "3.11.9", "numpy": "2.4.0", "torch": "2.13.0", "platform": "Linux x86_64"},
    started="2025-03-14T15:09:26Z",
)

# One row a property of the conforming target: id, examples, entries, error over bound, detectable error, seconds.
_LSTM_ROWS = [
    ("forward.agrees_with_reference", 120, 48960, 0.31, 2.1e-15, 0.412),
    ("forward.float32_agrees", 120, 48960, 0.44, 8.8e-7, 0.398),
    ("gradients.backward_agrees", 120, 921600, 0.62, 6.7e-14, 0.977),
    ("gradients.every_step_agrees", 60, 184320, 0.58, 9.1e-14, 0.731),
    ("gradients.adjoint_identity", 40, 40, 0.087, 3.3e-14, 0.121),
    ("gradients.long_lag", 12, 1152, 0.23, 1.4e-13, 0.204),
    ("sequence.pieces_equal_whole", 40, 16320, 0.0, 4.4e-16, 0.095),
    ("sequence.causality", 40, 8160, 0.0, None, 0.061),
    ("sequence.no_steps", 4, 64, 0.0, None, 0.004),
    ("batch.independence", 40, 16320, 0.0125, 4.4e-16, 0.088),
    ("batch.permutation", 40, 16320, 0.0, 4.4e-16, 0.087),
    ("purity.call_twice", 20, 8160, 0.0, None, 0.052),
    ("purity.inputs_unchanged", 20, 12480, 0.0, None, 0.049),
    ("sensitivity.parameters", 10, 4608, 3.2e-9, None, 0.077),
    ("layout.strided_equals_contiguous", 20, 8160, 0.0, None, 0.045),
]

GRU_PROBLEM = {
    "sizes": {"T": 3, "B": 1, "I": 1, "H": 2},
    "precision": "float64",
    "label": "non-zero state",
    "views": {"x": "strided"},
    "params": {
        "U": [[0.5], [0.0], [0.0], [0.25], [1.0], [0.0]],
        "W": [[0.0, -0.5], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [1.0, 0.0], [0.0, 0.5]],
        "b": [0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
        "bh": [0.0, 0.0],
    },
    "x": [[[1.0]], [[0.0]], [[0.5]]],
    "state": [[[0.5, -0.25]]],
    "dy": [[[0.0, 0.0]], [[0.0, 0.0]], [[1.0, 0.0]]],
    "dstate": [[[0.0, 0.0]]],
}

GRU_FINDING = Finding(
    where=Place("W_n", (0, 0), step=1, unit=0, target_block="weight_hh", target_index=(4, 0)),
    got="0.19427331",
    expected="0.20652187943143485",
    bound=7.1e-17,
    message="The gradient of the recurrent weights lacks a part that grows with the lag.",
    problem=GRU_PROBLEM,
    diagnosis=(
        Diagnosis("bptt-carry-partial", "the gradient through the reset gate is not carried back", 2.2e-16),
        Diagnosis("bptt-truncated", "the backward pass stops two steps back", 0.0031),
    ),
    replay="ltdcheck replay record.jsonl:17",
    matters="a non-zero initial state; at least two steps",
    oracle="ball; complex step agrees",
)

CRASH = Finding(
    where=Place("backward"),
    got="the process died of SIGSEGV",
    expected="gradients",
    bound=0.0,
    message="Its process died: native code crashed, or it left the interpreter.",
    problem={**GRU_PROBLEM, "label": "T = 0", "sizes": {"T": 0, "B": 1, "I": 1, "H": 2}, "x": []},
    replay="ltdcheck replay record.jsonl:19",
)

TRACEBACK = """Traceback (most recent call last):
  File "ltdcheck/properties/gradients.py", line 41, in long_lag
    value = oracle.estimate(problem)
OracleDisagreementError: tape and complex step exclude each other in W_f[0, 1]"""


def lstm_results() -> list[Result]:
    """A target that conforms, with a property that does not apply and a documented difference."""
    who = ("torch.nn:LSTM", "lstm", "peepholes=False, candidate=tanh")
    passed = [
        Result(*who, id, "passed", "", examples, compared, worst, detectable, seconds)
        for id, examples, compared, worst, detectable, seconds in _LSTM_ROWS
    ]
    silent = Result(*who, "peepholes.own_cell_only", "not_applicable", "this variant has no peepholes")
    note = "returns the state as a tuple (h, c), where flax returns (c, h)"
    return [replace(passed[0], notes=(note,)), *passed[1:], silent]


def gru_results() -> list[Result]:
    """A target with a wrong backward pass."""
    who = ("my_gru.py:GRU", "gru", "reset=after, update=keeps")
    return [
        Result(*who, "forward.agrees_with_reference", "passed", "", 120, 24480, 0.29, 1.9e-15, 0.301),
        Result(*who, "gradients.backward_agrees", "failed", "", 37, 60, 1.725e14, 6.7e-14, 0.512, GRU_FINDING),
        Result(*who, "purity.call_twice", "failed", "", 2, 40, math.inf, None, 0.02, _nan_finding()),
    ]


def _nan_finding() -> Finding:
    return Finding(
        where=Place("y", (1, 0, 1), step=1, unit=1),
        got="nan",
        expected="0.25",
        bound=math.nan,
        message="The second call answers otherwise than the first.",
        problem={"grads": {"w": [math.nan, math.inf, -math.inf, 1.0]}, "threshold": 1.0, "norm": "NaN"},
        replay="ltdcheck replay record.jsonl:18",
    )


def native_results() -> list[Result]:
    """A target whose process dies."""
    who = ("native.py:LSTM", "lstm", "")
    return [Result(*who, "sequence.no_steps", "failed", "", 1, 0, math.inf, None, 0.9, CRASH)]


def deep_results() -> list[Result]:
    """A target about which too little could be said, partly through our own fault."""
    who = ("deep.py:RNN", "elman", "nonlinearity=relu")
    return [
        Result(*who, "forward.agrees_with_reference", "passed", "", 120, 24480, 0.41, 1.9e-15, 0.28),
        Result(
            *who, "gradients.long_lag", "undecided", "the bound of every entry exceeds its value", 12, 96, 0.2, 3.0, 0.4
        ),
        Result(*who, "gradients.every_step_agrees", "errored", TRACEBACK, 3, 0, 0.0, None, 0.07),
        Result(*who, "gates.pass_through", "not_applicable", "an Elman network has no gates"),
    ]


SUMMARIES = {
    "torch.nn:LSTM": TargetSummary(
        "conforms",
        "lstm",
        "peepholes=False, candidate=tanh",
        "weight_ih_l0 and weight_hh_l0 fused, i f g o, two biases",
    ),
    "my_gru.py:GRU": TargetSummary("does_not_conform", "gru", "reset=after, update=keeps", "r z n, two biases"),
    "native.py:LSTM": TargetSummary("does_not_conform", "lstm", "", ""),
    "deep.py:RNN": TargetSummary("undecided", "elman", "nonlinearity=relu", "weight, recurrent_weight, bias"),
}


def record_of(results: list[Result], summaries: dict[str, TargetSummary], unrun: int = 0) -> Record:
    """A record whose footer counts these results."""
    counts = count(results)
    footer = Footer(
        summaries,
        sum(counts.values()) + unrun,
        counts,
        round(math.fsum(result.seconds for result in results), 3),
        {"drawn": 1210, "beyond_precision": 3},
    )
    return Record(HEADER, tuple(results), footer)


def full_record() -> Record:
    """Every status and every kind of finding."""
    return record_of([*lstm_results(), *gru_results(), *native_results(), *deep_results()], SUMMARIES)


def broad_record(targets: int = 30) -> Record:
    """So many targets with a failure each, as of a report on every framework."""
    names = [f"net.py:Net{k}" for k in range(targets)]
    results = [replace(result, target=name) for name in names for result in gru_results()]
    return record_of(results, dict.fromkeys(names, SUMMARIES["my_gru.py:GRU"]))


def conforming_record() -> Record:
    """One target, nothing wrong."""
    return record_of(lstm_results(), {"torch.nn:LSTM": SUMMARIES["torch.nn:LSTM"]})


def hostile_record(text: str) -> Record:
    """A record in which every text that comes from outside is ``text``."""
    finding = Finding(
        where=Place(text, (0,), 1, 0, text, (1,)),
        got=text,
        expected=text,
        bound=0.0,
        message=text,
        problem={
            "sizes": {"T": 1},
            "precision": text,
            "label": text,
            "params": {text: [[1.0]], "w": [text]},
            text: text,
        },
        diagnosis=(Diagnosis(text, text, 0.5), Diagnosis(text, text, 0.5)),
        replay=text,
        matters=text,
    )
    statuses = ("passed", "undecided", "not_applicable", "errored")
    results = [Result(text, text, text, text, status, text, 1, 1, 0.5, None, 0.1, None, (text,)) for status in statuses]
    results.append(Result(text, text, text, text, "failed", text, 1, 1, 2.0, None, 0.1, finding, (text,)))
    summary = TargetSummary("does_not_conform", text, text, text, text)
    record = record_of(results, {text: summary, text + "2": replace(summary, verdict="unusable")})
    header = replace(HEADER, command=text, profile=text, versions={text: text}, started=text)
    return replace(record, header=header)
