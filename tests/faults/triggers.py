"""Where each row of the catalogue shows, and where it hides: an entry speaks of an id, or of all ids of a row."""

from __future__ import annotations

from faults.problems import PLAIN, Case, case

from ltdcheck.faults.fault import Fault

SINGLE, TWICE, FINE = case(T=1), case(calls=2, look=1), case(fine=True)
WIDE = case(T=2, B=2, I=3, H=130)
LARGE = case(T=2, B=1, I=2, H=182)  # W has 33 124 entries in the smallest cell

RAGGED = case(lengths=(4, 5, 2))
OF_RAGGED_ROWS = (
    "final-state-at-padding",
    "unsort-missing",
    "lengths-ignored",
    "output-in-padding",
    "length-off-by-one",
    "initial-state-unsorted",
    "gradient-through-padding",
    "padding-has-gradient",
    "final-cotangent-of-full-rows-only",
)

SHOWS: dict[str, Case] = {
    **dict.fromkeys(OF_RAGGED_ROWS, RAGGED),
    "zero-input-skipped": case(gaps=True),
    "zero-length-row": case(lengths=(4, 5, 0)),
    "equal-lengths-apart": case(lengths=(5, 5, 5)),
    "empty-sequence-wrong": case(T=0),
    "single-step-wrong": SINGLE,
    "recurrent-transposed.single-step": SINGLE,
    "gru-update-swapped.single-step": SINGLE,
    "gru-reset-placement.single-step": SINGLE,
    "gru-reset-placement.after-single-step": SINGLE,
    "large-hidden-tail": WIDE,
    "large-array-tail": LARGE,
    "large-array-tail.output": case(T=90, B=40, I=1, H=10),
    "activation-clipped": case(bias=12.0),
    "activation-derivative-cut": case(bias=6.0),
    "activation-clip-partial": case(state=3.0),
    "state-leaks-between-calls": case(calls=2, look=1, given=False),
    "state-leaks-between-calls.given": TWICE,
    "gradient-leaks-between-calls": TWICE,
    "answer-overwritten": case(calls=2, look=0),
    "strides-ignored.x": case(views=(("x", "strided"),)),
    "strides-ignored.dy": case(views=(("dy", "expanded"),)),
    "strides-ignored.state": case(views=(("state", "strided"),)),
    "strides-ignored.dstate": case(views=(("dstate", "strided"),)),
    "strides-ignored.transposed": case(views=(("x", "transposed"),)),
    "single-row-wrong": case(B=1),
    "state-reset-every.10": case(T=11),
    "answer-cached.shapes": TWICE,
    "answer-cached.but-input": case(calls=2, look=1, shared=("params", "state", "dy", "dstate")),
    "answer-cached.but-weights": case(calls=2, look=1, shared=("x", "state", "dy", "dstate")),
    "answer-cached.but-state": case(calls=2, look=1, shared=("params", "x", "dy", "dstate")),
    "answer-cached.but-cotangents": case(calls=2, look=1, shared=("params", "x", "state")),
    "answer-cached.rows-sorted": case(calls=2, look=1, turned=True),
    "buffer-of-first": case(calls=2, look=1, narrower=1),
    "weights-cached": case(calls=2, look=1, shared=()),
    "buffer-of-longest": case(calls=2, look=1, longer=3),
    "tape-changed-by-backward": case(again=True),
    "precision-lost.params": FINE,
    "precision-lost.x": FINE,
    "precision-lost.state": FINE,
    "precision-lost.cotangents": FINE,
}

NO_MEMORY = (case(T=1, zero=("state",)),)
ONE_STEP, ONE_ROW, ONE_CALL = (SINGLE,), (case(B=1),), (PLAIN, case(given=False))
SYMMETRIC = (case(symmetric=True), case(H=1))
SHORT_LOSS = (case(zero=("dstate",)),)

HIDES: dict[str, tuple[Case, ...]] = {
    **dict.fromkeys(OF_RAGGED_ROWS, (PLAIN,)),
    "zero-length-row": (PLAIN, RAGGED),
    "zero-input-skipped": (PLAIN,),
    "equal-lengths-apart": (PLAIN, RAGGED),
    "bias-doubled": (case(zero=("b",)),),
    "parameter-unused.W": NO_MEMORY,
    "parameter-unused.b": (case(zero=("b",)),),
    "lstm-bias-shared": (case(equal_biases=True),),
    "gru-bias-shared": (case(equal_biases=True),),
    "recurrent-transposed": (*SYMMETRIC, *NO_MEMORY),
    "bptt-transpose-missing": SYMMETRIC,
    "gate-unused.f": (case(T=1, zero=("state",)),),
    "gru-reset-placement": (case(T=1, zero=("state", "bh")),),
    "gru-reset-unused": NO_MEMORY,
    "gru-hidden-bias-outside-reset": (case(zero=("bh",)),),
    "gru-hidden-bias-missing": (case(zero=("bh",)),),
    "lstm-cell-overwritten": NO_MEMORY,
    "peephole-unused": (case(zero=("p",)),),
    "peephole-stale": (case(zero=("p",)),),
    "activation-clipped": (case(T=1, bias=0.1, state=0.1),),
    "activation-clip-partial": (case(T=1, state=0.0),),
    "candidate-gate-activation.ignored": (),
    "state-dead": ONE_STEP,
    "state-given-ignored": (case(zero=("state",)), case(given=False)),
    "state-given-ignored.h": (case(given=False),),
    "state-given-ignored.c": (case(given=False),),
    "state-leaks-between-calls": ONE_CALL,
    "gradient-leaks-between-calls": ONE_CALL,
    "answer-overwritten": ONE_CALL,
    "future-leak": ONE_STEP,
    "empty-sequence-wrong": (case(T=1), PLAIN),
    "single-step-wrong": (case(T=2), case(T=0)),
    "recurrent-transposed.single-step": (case(T=2),),
    "gru-update-swapped.single-step": (case(T=2), case(T=0)),
    "gru-reset-placement.single-step": (case(T=2), case(T=0)),
    "gru-reset-placement.after-single-step": (case(T=2), case(T=0)),
    "batch-rows-coupled": ONE_ROW,
    "batch-tail-stale": ONE_ROW,
    "batch-time-mixed": (*ONE_ROW, *ONE_STEP),
    "large-hidden-tail": (case(T=2, B=2, I=3, H=128),),
    "large-array-tail": (PLAIN,),
    "strides-ignored.x": (PLAIN, case(views=(("dy", "expanded"),))),
    "strides-ignored.dy": (PLAIN, case(views=(("x", "strided"),))),
    "strides-ignored": (PLAIN,),
    "strides-ignored.transposed": (PLAIN, case(views=(("x", "strided"),))),
    "single-row-wrong": (PLAIN,),
    "precision-lost": (case(precision="float32"),),
    "bptt-carry-missing": ONE_STEP,
    "bptt-carry-missing.output": (),  # nor at the output that an output-recurrent network is given
    "parameter-unused.c": (case(zero=("c",)),),
    "leak-missing": NO_MEMORY,
    "preactivation-linear": NO_MEMORY,
    "delay-off-by-one": NO_MEMORY,
    "clockwork-idle-zeroed": NO_MEMORY,
    "clockwork-mask-missing": NO_MEMORY,
    "clockwork-mask-reversed": NO_MEMORY,
    "clockwork-gradient-unmasked": NO_MEMORY,
    "bptt-carry-missing.initial": (),  # test_backward: at T = 1 the initial state's gradient is wrong
    "bptt-carry-partial.h": ONE_STEP,
    "bptt-carry-partial.c": ONE_STEP,
    "bptt-carry-partial.half": (*ONE_STEP, case(H=1)),
    "bptt-truncated": ONE_STEP,
    "weight-gradient-shifted.input": ONE_STEP,
    "weight-gradient-shifted.reset": NO_MEMORY,
    "gru-reset-placement.backward": (),  # the initial state's gradient is wrong even where it is zero
    "gradient-replaced": ONE_STEP,
    "gradient-scaled": ONE_ROW,
    "gradient-scaled.time": ONE_STEP,
    "gradient-scaled.both": (case(T=1, B=1),),
    "gradient-scaled.times-time": ONE_STEP,
    "gradient-scaled.bias-time": ONE_STEP,
    "gradient-scaled.all-time": ONE_STEP,
    "gradient-scaled.slightly": (case(T=0),),
    "final-state-cotangent-dropped": SHORT_LOSS,
    "output-detached": (case(zero=("dy",)),),
    "output-detached.earlier": ONE_STEP,
    "input-ignored-at-step": (case(T=0),),
    "output-one-step-late": (case(T=0),),
    "final-state-one-step-early": (case(T=0),),
    "future-leak.mean": ONE_STEP,
    "state-one-step-stale": ONE_STEP,
    "state-shifted": (*ONE_STEP, case(B=1, H=1)),
    "state-shifted.row": (*ONE_STEP, *ONE_ROW),
    "state-shared": (*ONE_STEP, *ONE_ROW),
    "state-scaled": ONE_STEP,
    "state-negated": ONE_STEP,
    "state-squashed": ONE_STEP,
    "state-reset-every.2": (case(T=2),),
    "state-reset-every.3": (case(T=3),),
    "state-reset-every.4": (case(T=4),),
    "state-reset-every.10": (case(T=10),),
    "input-one-step-late": ONE_STEP,
    "input-first-at-every-step": ONE_STEP,
    "input-reversed": ONE_STEP,
    "input-features-shifted": (case(I=1),),
    "input-features-reversed": (case(I=1),),
    "input-accumulated": ONE_STEP,
    "input-normalised": (case(I=1),),
    "output-reversed": ONE_STEP,
    "output-last-repeated": ONE_STEP,
    "output-accumulated": ONE_STEP,
    "output-units-shifted": (case(H=1),),
    "final-state-of-first-row": ONE_ROW,
    "tape-wrong": ONE_STEP,
    "input-gradient-reversed": ONE_STEP,
    "input-gradient-accumulated": ONE_STEP,
    "answer-cached": (PLAIN,),
    "weights-cached": ONE_CALL,
    "buffer-of-longest": (PLAIN, TWICE),
    "buffer-of-first": (PLAIN, TWICE),
    "tape-changed-by-backward": (PLAIN,),
    "precision-lost.params": (case(precision="float32"), PLAIN),
    "precision-lost.x": (case(precision="float32"), PLAIN),
    "precision-lost.state": (case(precision="float32"), PLAIN),
    "precision-lost.cotangents": (case(precision="float32"), PLAIN),
    "precision-lost.between-steps": (case(precision="float32"), *ONE_STEP),
    "precision-lost.gradients": (case(precision="float32"),),
}


def shows(fault: Fault) -> Case:
    """The least case that shows the fault, or one that shows all without a smaller one."""
    if fault.row == "bptt-truncated":
        return case(T=int(fault.id.rpartition(".")[2].rpartition("-")[2]) + 1)
    if fault.id.endswith("-single-step"):
        return SINGLE
    return SHOWS.get(fault.id) or SHOWS.get(fault.row) or PLAIN


def hides(fault: Fault) -> tuple[Case, ...]:
    """Cases below the trigger."""
    if fault.row == "bptt-truncated":
        return (*ONE_STEP, case(T=int(fault.id.rpartition(".")[2].rpartition("-")[2])))
    if fault.id.endswith("-between"):
        return ONE_STEP
    if fault.row == "gate-order":
        return (case(T=2), case(T=0)) if fault.id.endswith("-single-step") else ()
    if fault.id.endswith("-bias") and fault.row == "gate-unbounded":
        return (case(zero=("b",)),)
    if fault.id.endswith("-peephole"):
        return (case(zero=("p",)),)
    return HIDES.get(fault.id, HIDES.get(fault.row, ()))
