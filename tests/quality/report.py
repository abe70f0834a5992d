"""``python -m quality.report MEASURED REPORTS`` makes reports of what the quality tests left in a folder.

``accuracy.md``: how far the reference in float64 is from the truth. ``false-alarms.md``: how far torch is from the
reference, and what the bounds would see. ``kill-matrix.md``: which properties find which faults. ``diagnosis.md``:
which faults are named.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from quality import accuracy
from quality.accuracy import ACCURACY, Accuracy
from quality.elsewhere import DIAGNOSIS, Told
from quality.elsewhere import saved as saved_diagnoses
from quality.measure import Measured, saved
from quality.planted import Kill

from ltdcheck.faults.fault import faults
from ltdcheck.properties.law import properties
from ltdcheck.reference.cells import CELLS

ALARMS, MATRIX = "false-alarms", "kill-matrix"
# What a property finds that the comparison of every entry with the reference finds as well, and what it says beyond.
AIDS = {
    "values.forward_agrees": "a wrong output has a wrong gradient too; it says that the forward pass is where to look",
    "gradients.present": "a gradient that does not come is compared as zero; it says that none came, and of what",
    "gradients.adjoint_identity": "needs no adjoint of the reference: it stands where that would be wrong",
    "values.one_step": "says that the step is wrong, and not the fold",
    "precision.single_agrees_with_double": "needs no reference: it says which of two precisions is at fault",
    "sequence.causal": "needs no reference: it says that outputs see what comes later",
    "sequence.pieces_equal_whole": "needs no reference: it says that the state handed over is not all",
    "ragged.padding_has_no_effect": "needs no reference: it says that what stands in the padding matters",
    "batch.rows_are_independent": "needs no reference: it says that rows see each other",
    "calls.repeatable": "needs no reference: it says that what came before matters",
    "calls.instances_agree": "needs no reference: it says that an instance holds more than its parameters",
}
PROFILES = ("quick", "default", "thorough")
ENOUGH = {"quick": 0.95, "default": 1.0, "thorough": 1.0}  # the share of all sites that a profile must find
TITLES = {
    "usual": "Weights from 0.05 to 4 times their usual size",
    "large": "Weights from 4 to 64 times their usual size",
}
ALARMS_HEAD = """# False alarms

torch's modules against the reference, on random problems: up to 60 steps and 16 units, inputs up to 5, losses on every
output alone and together, every entry of outputs, final states and gradients compared. Made by `tox -e quality`.

*Worst entry*: the largest error of a problem, in spreads (root mean square of the modelled roundings); an alarm is an
entry beyond 64. *Beyond*: problems in which rounding hides every output and gradient, known before the target runs.
*Seen*: the relative error that would be found in the median entry of a problem, and in that of its least determined
array.
"""
MATRIX_HEAD = """# Kill matrix

Every fault of the catalogue, planted in every family that it concerns, against every property of cells, on the problems
that a check always asks. A fault is found at a profile where some property does not hold on its fixed problems; drawn
examples come after them, and only where all hold. Operators that change nothing to the last bit, such as `g*i` for
`i*g`, are no faults: `tests/faults/test_equivalent.py` proves it of each. Made by `tox -e quality`. Clipping, and the
laws of the reference, have matrices of their own in `tests/faults/test_clipping.py` and
`tests/properties/test_reference_laws.py`.
"""
DIAGNOSIS_HEAD = """# Diagnosis

Every fault of the catalogue, planted in every family that it concerns, in an implementation that was written elsewhere:
a NumPy class or a torch module of `tests/targets` in one of its layouts, the reference with fused transposed arrays, or
with one array for each gate. Each is checked at the quick profile as anybody's target is, and its first finding says
what is likely wrong. A fault is named where its row of the catalogue comes first, or another that gives the same
answers to the last bit on the problems that a check always asks. In separate arrays some faults are nothing but another
arrangement, with which the target is right; such a one is planted in the next layout. Made by `tox -e quality`.
"""
ACCURACY_HEAD = """# Accuracy of the reference

The reference in float64 against the truth, over random problems of up to 8 steps and 4 units in every regime that a
check draws: each cell and variant, each network, every entry of outputs, final states and gradients. The truth is a
ball (interval) that holds the exact result and is narrower than a thousandth of what the error is measured in. Made by
`tox -e quality`.

Errors are in spreads, the root mean square of the modelled roundings of the very problem (`ltdcheck explain bounds`);
a comparison with somebody's code allows 64 of them. *Median* is of the largest error of a problem.
"""
COLUMNS = (
    ("module", "precision", "problems", "beyond", "entries", "alarms"),
    ("worst entry: median", "99 %", "largest"),
    ("seen in an entry: median", "90 %", "in the worst array: median", "90 %"),
)


# -- false alarms ----------------------------------------------------------------------------------------------------


def false_alarms(folder: Path) -> str:
    """The first report."""
    measured = list(saved(folder / ALARMS))
    parts = [ALARMS_HEAD]
    for within, title in TITLES.items():
        parts += [f"## {title}\n", "\n".join(figures(measured, within)), ""]
    return "\n".join(parts)


def figures(measured: Iterable[tuple[dict[str, str], Measured]], within: str) -> list[str]:
    """A line for each module and precision."""
    sums: dict[tuple[str, str], Measured] = {}
    for key, seen in measured:
        if key["within"] == within:
            place = key["module"], key["precision"]
            sums[place] = sums.get(place, Measured()).add(seen)
    return table([name for group in COLUMNS for name in group], [figures_of(*p, seen) for p, seen in sums.items()])


def figures_of(module: str, precision: str, seen: Measured) -> list[object]:
    """The figures of one module in one precision."""
    worst, entry, block = (np.array(a) for a in (seen.worst, seen.typical, seen.blocks))
    counts = [module, precision, seen.problems, seen.beyond, seen.compared, len(seen.alarms)]
    far = [f"{np.median(worst):.1f}", f"{np.quantile(worst, 0.99):.1f}", f"{worst.max():.1f}"]
    return counts + far + [f"{np.quantile(a, q):.0e}" for a in (entry, block) for q in (0.5, 0.9)]


# -- kill matrix -----------------------------------------------------------------------------------------------------


Row = tuple[str, str, dict[str, Kill]]  # family, fault, and what killed it


def save_row(folder: Path, family: str, fault: str, by: Mapping[str, Kill]) -> None:
    """One row of the kill matrix."""
    (folder / MATRIX).mkdir(parents=True, exist_ok=True)
    row = family, fault, {id: asdict(kill) for id, kill in by.items()}
    (folder / MATRIX / f"{family}-{fault}.json").write_text(json.dumps(row))


def saved_row(folder: Path, family: str, fault: str) -> dict[str, Kill] | None:
    """What was saved of a site."""
    file = folder / MATRIX / f"{family}-{fault}.json"
    return _row_in(file)[2] if file.exists() else None


def saved_rows(folder: Path) -> list[Row]:
    """The matrix."""
    return [_row_in(file) for file in sorted((folder / MATRIX).glob("*.json"))]


def _row_in(file: Path) -> Row:
    family, fault, by = json.loads(file.read_text())
    return family, fault, {id: Kill(**kill) for id, kill in by.items()}


def kill_matrix(folder: Path) -> str:
    """The second report."""
    rows = saved_rows(folder)
    found = sum(bool(by) for *_, by in rows)
    score = f"{len(rows)} planted faults, {found} found: the score is {found / len(rows):.3f}.\n"
    told = ", ".join(f"{profile} finds {share:.1%}" for profile, share in shares(rows).items())
    whole = "all sites" if complete(rows) else f"{len(rows)} of {sum(len(faults(family)) for family in CELLS)} sites"
    score += f"\nOf {whole}, {told}.\n"
    laws = [[law.id, *counts_of(law.id, rows), AIDS.get(law.id, "")] for law in properties("cell")]
    parts = [MATRIX_HEAD, score, *table(["profile", "found", "share", *EXAMPLES], profiles(rows)), ""]
    parts += [*table(["property", "finds", "alone", "what it says beyond the comparison of entries"], laws), ""]
    parts += table(["family", "fault", "found by, with the number of the example"], map(row_of, rows))
    return "\n".join([*parts, ""])


EXAMPLES = ("examples: median", "95 %", "most")


def counts_of(law: str, rows: Sequence[Row]) -> list[int]:
    """How many faults a property finds, and how many nothing else does."""
    return [sum(law in by for *_, by in rows), sum(list(by) == [law] for *_, by in rows)]


def profiles(rows: Sequence[Row]) -> list[list[object]]:
    """How many of the faults each profile's fixed problems show, and the least number of examples of one property.

    Quick leaves out the large problem. Thorough asks what default asks, and draws more after it.
    """
    told = []
    for profile in PROFILES:
        needed = [n for n in least(profile, rows) if n]
        spread = [f"{np.quantile(needed, q):.0f}" for q in (0.5, 0.95, 1)] if needed else ["", "", ""]
        told.append([profile, len(needed), f"{len(needed) / len(rows):.1%}", *spread])
    return told


def shares(rows: Sequence[Row]) -> dict[str, float]:
    """The part of the faults that each profile's fixed problems show."""
    return {profile: float(np.mean([n > 0 for n in least(profile, rows)])) for profile in PROFILES}


def least(profile: str, rows: Sequence[Row]) -> list[int]:
    """For each fault the number of the first example that shows it; 0 where none of the profile's does."""
    return [min((k.examples for k in by.values() if not k.large or profile != "quick"), default=0) for *_, by in rows]


def complete(rows: Sequence[Row]) -> bool:
    """Every site of every family is a row."""
    return {(family, id) for family, id, _ in rows} >= {(family, f.id) for family in CELLS for f in faults(family)}


def missed(rows: Sequence[Row]) -> str:
    """Which profiles find fewer of all sites than they must; "" where none does, or not all were measured."""
    if not complete(rows):
        return ""
    low = [(profile, share) for profile, share in shares(rows).items() if share < ENOUGH[profile]]
    return "; ".join(f"{profile} finds {share:.1%} of all sites, not {ENOUGH[profile]:.0%}" for profile, share in low)


def row_of(row: Row) -> list[str]:
    """One fault."""
    family, id, by = row
    return [
        family,
        id,
        ", ".join(f"{law} {kill.examples}{' (large)' if kill.large else ''}" for law, kill in by.items()),
    ]


def table(names: list[str], rows: Iterable[Iterable[object]]) -> list[str]:
    """In Markdown."""
    return ["| " + " | ".join(map(str, row)) + " |" for row in (names, ["---"] * len(names), *rows)]


# -- accuracy --------------------------------------------------------------------------------------------------------


def accuracies(folder: Path) -> str:
    """The third report."""
    sums: dict[str, dict[str, Accuracy]] = {}
    for key, seen in accuracy.saved(folder):
        of = sums.setdefault(key["system"], {})
        of[key["regime"]] = of.get(key["regime"], Accuracy()).add(seen)
    regimes = sorted({regime for of in sums.values() for regime in of})
    names = ["system", "problems", "entries", "outputs: median", "largest", "gradients: median", "largest", *regimes]
    rows = [accuracy_of(system, of, regimes) for system, of in sums.items()]
    worst = max((seen for of in sums.values() for seen in of.values()), key=lambda seen: seen.worst)
    total = sum(seen.problems for of in sums.values() for seen in of.values())
    said = f"The largest error in {total} problems is {worst.worst:.1f} spreads: {worst.where}.\n"
    note = "The last columns are the largest errors by regime.\n"
    return "\n".join([ACCURACY_HEAD, said, note, *table(names, rows), ""])


def accuracy_of(system: str, of: dict[str, Accuracy], regimes: list[str]) -> list[object]:
    """The line of one system."""
    whole = Accuracy()
    for seen in of.values():
        whole = whole.add(seen)
    parts = [f"{value:.1f}" for a in (whole.outputs, whole.gradients) for value in (np.median(a), max(a))]
    return [system, whole.problems, whole.compared, *parts, *(f"{of[r].worst:.1f}" if r in of else "" for r in regimes)]


# -- diagnosis -------------------------------------------------------------------------------------------------------


def diagnoses(folder: Path) -> str:
    """The fourth report."""
    seen = saved_diagnoses(folder)
    rows = [counts_of_form(form, [one for one in seen if one.form == form]) for form in sorted({o.form for o in seen})]
    whole = sum(len(faults(family)) for family in CELLS)
    said = f"{len(seen)} of {whole} sites were planted{'' if len(seen) == whole else ': a sample'}.\n"
    parts = [DIAGNOSIS_HEAD, said, *table(FORM_COLUMNS, [*rows, counts_of_form("all", seen)]), ""]
    unnamed = [one for one in seen if not one.right]
    if unnamed:
        told = [[o.family, o.fault, o.form, o.property or "nothing", ", ".join(o.named)] for o in unnamed]
        parts += ["Not named first:\n", *table(["family", "fault", "form", "found by", "said"], told), ""]
    return "\n".join(parts)


FORM_COLUMNS = ["form", "planted", "found", "named first", "share"]


def counts_of_form(form: str, seen: Sequence[Told]) -> list[object]:
    """One line."""
    found, right = sum(bool(one.property) for one in seen), sum(one.right for one in seen)
    return [form, len(seen), found, right, f"{right / len(seen):.1%}"]


def main(measured: str, reports: str) -> None:
    """Write all of them.

    Raises
    ------
    SystemExit
        When something was not measured, or a profile finds too few of the faults.
    """
    reports_of = ((ALARMS, false_alarms), (MATRIX, kill_matrix), (ACCURACY, accuracies), (DIAGNOSIS, diagnoses))
    for name, render in reports_of:
        if not list((Path(measured) / name).glob("*.json")):
            why = f"{measured} holds nothing for {name}: run the quality tests with LTDCHECK_MEASURED={measured}"
            raise SystemExit(why)
        Path(reports).mkdir(parents=True, exist_ok=True)
        (Path(reports) / f"{name}.md").write_text(render(Path(measured)))
    if why := missed(saved_rows(Path(measured))):
        raise SystemExit(why)


if __name__ == "__main__":
    main(*sys.argv[1:])
