"""A target may do what it likes: the run comes to its end, the record is whole, and the verdict is right."""

from pathlib import Path

import pytest
from sampled import one_in
from targets.catalogue import MISBEHAVING, Target
from targets.catalogue_misbehaving import CONFORM, UNUSABLE

from ltdcheck.errors import TargetUnusableError
from ltdcheck.reporting.json_lines import RecordWriter, read_record
from ltdcheck.result import Record, exit_status
from ltdcheck.runner import check, examiners, subjects
from ltdcheck.runner.profiles import profile_named

ROOT = Path(__file__).parents[2]
HANGS = 5.0  # seconds: what hangs does so for ever; what answers is given the default limit
NAMED = {row.spec.rpartition(":")[2]: row for row in MISBEHAVING if row.fault not in UNUSABLE}
LONG = "TorchDropout"  # of the fault of ``Random``, and twice as long
ROWS = [*one_in(3, [name for name in NAMED if name != LONG]), pytest.param(LONG, marks=pytest.mark.quality)]


@pytest.fixture(autouse=True)
def _at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def run(row: Target) -> Record:
    """The row, checked in a worker."""
    profile = profile_named("default" if row.fault == "wrong-beyond-64" else "quick")
    timeout = HANGS if "hangs" in (row.fault or "") else 60.0
    return check.run([subjects.Target(row.spec)], examiners.Options(profile=profile, timeout=timeout))


@pytest.mark.parametrize("name", ROWS)
def test_every_misbehaviour_is_a_finding(name: str, tmp_path: Path) -> None:
    """One that hangs, dies, floods, raises or answers wrongly fails; the record adds up and can be read back."""
    row = NAMED[name]
    record = run(row)
    assert record.footer is not None
    assert record.footer.adds_up
    assert exit_status(record.footer) == (0 if row.fault in CONFORM else 1), record.footer
    assert not [r.reason for r in record.results if r.status == "errored"]
    path = tmp_path / "record.jsonl"
    with RecordWriter(path, record.header) as writer:
        for result in record.results:
            writer.write(result)
        writer.close(record.footer)
    assert list(read_record(path).results) == list(record.results)


@pytest.mark.parametrize("name", UNUSABLE)
def test_what_cannot_be_made_cannot_be_used(name: str) -> None:
    """A constructor that raises or hangs, and a model without parameters, are refused before anything runs."""
    row = next(row for row in MISBEHAVING if row.fault == name)
    with pytest.raises(TargetUnusableError, match="cannot be checked"):
        run(row)
