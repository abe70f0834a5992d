"""Commands of the tests are typed at the root of the checkout, and keep their records to themselves."""

from pathlib import Path

import pytest
from cli.calling import ROOT


@pytest.fixture(autouse=True)
def _at_the_root(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
