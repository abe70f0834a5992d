"""Which gradients a backward fault spoils, and which it leaves alone."""

from __future__ import annotations

import pytest
from faults.problems import PLAIN, Case, answer, case, changed, network

from ltdcheck.faults.fault import Network, fault_named, faults
from ltdcheck.faults.graft import ALL
from ltdcheck.reference.cells import CELLS
from ltdcheck.reference.variants import variants

SINGLE = case(T=1)

# id, case, the blocks that differ and no others; of the parameters all, or those that c' depends on
SPOILS: list[tuple[str, Case, set[str]]] = [
    ("bptt-carry-missing.initial", SINGLE, {"dstate"}),
    ("bptt-transpose-missing.lstm-f", SINGLE, {"dstate[0]"}),
    ("bptt-carry-partial.half", case(T=2), {"params", "dx", "dstate"}),
    ("bptt-carry-partial.lstm-f", SINGLE, {"dstate[0]"}),
    ("bptt-carry-partial.lstm-keep", SINGLE, {"dstate[1]"}),
    ("bptt-carry-partial.gru-r", SINGLE, {"dstate[0]"}),
    ("bptt-carry-partial.gru-keep", SINGLE, {"dstate[0]"}),
    ("weight-gradient-shifted", PLAIN, {"dW"}),
    ("weight-gradient-shifted.input", PLAIN, {"dU"}),
    ("weight-gradient-shifted.gates", PLAIN, {"dW"}),
    ("weight-gradient-shifted.reset", PLAIN, {"dW"}),
    ("gradient-replaced", PLAIN, {"params"}),
    ("gradient-replaced.last", PLAIN, {"params"}),
    ("gradient-replaced.W", PLAIN, {"dW"}),
    ("gradient-scaled", PLAIN, {"params"}),
    ("gradient-scaled.W-batch", PLAIN, {"dW"}),
    ("gradient-scaled.all-batch", PLAIN, {"params", "dx", "dstate"}),
    ("gradient-scaled.slightly", PLAIN, {"params"}),
    ("gradient-zero.x", PLAIN, {"dx"}),
    ("gradient-zero.state", PLAIN, {"dstate"}),
    ("gradient-zero.b", PLAIN, {"db"}),
    ("gradient-zero.gru-W-n", PLAIN, {"dW"}),
    ("gradient-zero.p", PLAIN, {"dp"}),
    ("gradient-zero.bh", PLAIN, {"dbh"}),
    ("weight-detached.W", PLAIN, {"dW"}),
    ("gradient-entry-off.U", PLAIN, {"dU"}),
    ("gradient-entry-off.x", PLAIN, {"dx"}),
    ("gradient-entry-off.h0", PLAIN, {"dstate[0]"}),
    ("gate-order.lstm-if-gradient", PLAIN, {"dU", "dW", "db"}),
    ("backward-empty", PLAIN, {"params", "dx", "dstate"}),
    ("bptt-truncated.3", PLAIN, {"params", "dx", "dstate"}),
    ("bptt-truncated.every-3", PLAIN, {"params", "dx", "dstate"}),
    ("bptt-truncated.window-2", PLAIN, {"params", "dx", "dstate"}),
    ("final-state-cotangent-dropped.c", SINGLE, {"before c", "dx", "dstate"}),  # in a step R comes after c
    ("activation-derivative-doubled.h", SINGLE, {"params", "dx", "dstate"}),
]
CASES = [(id, family, where, blocks) for id, where, blocks in SPOILS for family in fault_named(id).cells]


@pytest.mark.parametrize(("id", "family", "where", "blocks"), CASES, ids=[f"{c[1]}-{c[0]}" for c in CASES])
def test_a_backward_fault_spoils_these_gradients_and_no_others(
    id: str, family: str, where: Case, blocks: set[str]
) -> None:
    """In every variant that has it."""
    for cell in variants(family):
        wrong = fault_named(id).plant(cell)
        if wrong is None:
            continue
        expected = set(blocks)
        if "params" in blocks:
            expected = (expected - {"params"}) | {f"d{name}" for name in cell.shapes(1, 1)}
        if "before c" in blocks:
            before = {f"d{name}" for name in cell.shapes(1, 1) if cell.source_of(name) != "m"}
            expected = (expected - {"before c"}) | before
        if "dstate" in blocks:
            expected = (expected - {"dstate"}) | {f"dstate[{k}]" for k in range(len(cell.states))}
        assert changed(answer(wrong, where), answer(Network(cell), where)) == expected, cell.variant


@pytest.mark.parametrize("k", [2, 3, 4])
def test_a_truncation_shows_in_the_earliest_input_only_beyond_its_length(k: int) -> None:
    """With the loss on the final state, the last k inputs have their right gradient and earlier ones have none."""
    cell, where = CELLS["lstm"](), case(zero=("dy",))
    right = answer(Network(cell), where)
    assert right.dx is not None
    for id in (f"bptt-truncated.{k}", f"bptt-truncated.window-{k}"):
        wrong = answer(network(fault_named(id), cell), where)
        assert wrong.dx is not None
        assert (wrong.dx[-k:] == right.dx[-k:]).all()
        assert (wrong.dx[:-k] == 0).all()
        assert (right.dx[:-k] != 0).all()


def test_a_window_as_long_as_the_sequence_truncates_nothing() -> None:
    """T windows add up to the whole gradient when none is cut."""
    cell = CELLS["gru"]()
    where = case(T=8)
    assert not changed(
        answer(network(fault_named("bptt-truncated.window-8"), cell), where), answer(Network(cell), where)
    )


@pytest.mark.parametrize("family", ALL)
def test_missing_gradients_and_changed_arguments_are_facts(family: str) -> None:
    """The right network has none; each such fault names its block."""
    cell = CELLS[family]()
    assert not answer(Network(cell), PLAIN).facts
    expected = {
        "gradient-missing.x": {"missing": ["x"]},
        "weight-detached.W": {"missing": ["W"]},
        "argument-mutated.x": {"mutated": ["x"]},
        "argument-mutated.dy": {"mutated": ["dy"]},
        "argument-mutated.params": {"mutated": list(cell.shapes(1, 1))},
        "argument-mutated.state": {"mutated": [f"state[{k}]" for k in range(len(cell.states))]},
    }
    assert {id: answer(network(fault_named(id), cell), PLAIN).facts for id in expected} == expected


@pytest.mark.parametrize("id", [f.id for f in faults("elman") if "leaks" in f.id or "overwritten" in f.id])
def test_a_fresh_instance_remembers_nothing(id: str) -> None:
    """What leaks between calls does not leak into a fresh one."""
    cell = CELLS["elman"]()
    wrong, (first, second) = network(fault_named(id), cell), case(calls=2, given=False).problems(cell)
    kept = wrong.run(first, fresh=True)
    again = wrong.run(second, fresh=True)
    assert not changed(kept, Network(cell).run(first))
    assert not changed(again, Network(cell).run(second))
