"""Layers and directions at the command line: checked in a worker process, claimed by name, refused with a reason."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli.calling import call_for_line as call

TARGETS = "tests/targets/layers_torch.py"


def test_a_bidirectional_target_conforms(tmp_path: Path) -> None:
    """Its laws of time do not apply; the record names the layout of each direction."""
    path = tmp_path / "record.jsonl"
    chosen = [w for id in ("gradients.backward_agrees", "sequence.causal") for w in ("--property", id)]
    target = f"{TARGETS}:BothWays"
    status, text = call("check", target, "--cell", "bidirectional", "--profile", "quick", *chosen, "--json", str(path))
    assert status == 0, text
    assert "bidirectional(gru(reset=after, order=r u n, biases=2), merge=concatenate)" in text
    assert "1 passed + 0 failed + 0 undecided + 1 not applicable" in text
    footer = json.loads(path.read_text().splitlines()[-1])
    assert "back: weight_ih_l0_reverse (3H, I): U_r U_u U_n" in footer["targets"][target]["layout"]


def test_a_wrong_direction_is_found_and_replays(tmp_path: Path) -> None:
    """The finding names the fault, and its problem, whose output is 2H wide, is asked again from the record."""
    path = str(tmp_path / "record.jsonl")
    target = f"{TARGETS}:Joined_direction_not_reversed"
    chosen = ("--property", "values.forward_agrees")
    status, text = call("check", target, "--profile", "quick", *chosen, "--json", path)
    assert (status, "likely direction-not-reversed: Both directions run forward" in text) == (1, True)
    status, text = call("replay", f"{path}:2")
    assert (status, "direction-not-reversed" in text) == (1, True)


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ("grid", "its x has two axes of steps"),
        ("memory-network", "its state holds a memory"),
        ("bptt", "it is a way to take gradients"),
        ("generative", "its outputs are draws"),
    ],
)
def test_a_network_that_no_target_can_be_exits_with_2(cell: str, why: str) -> None:
    """Nothing is run; the sentence says why, and what can be done from Python."""
    status, text = call("check", f"{TARGETS}:BothWays", "--cell", cell)
    assert status == 2
    assert why in text
    assert "ltdcheck.check_gradient" in text


@pytest.mark.parametrize("id", ["layer-fed-input", "layer-gradient-missing", "reverse-final-at-wrong-end"])
def test_faults_of_the_wiring_are_explained(id: str) -> None:
    """By the ids that a diagnosis prints."""
    status, text = call("explain", id)
    assert status == 0
    assert "trigger two" in text
