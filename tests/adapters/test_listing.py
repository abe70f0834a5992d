"""The list of adapters."""

import subprocess
import sys

import pytest

from ltdcheck.adapters import listing
from ltdcheck.adapters.adapting import BASES
from ltdcheck.adapters.listing import adapters


def test_every_adapter_has_a_title_and_its_package() -> None:
    """Each row names the adapter, what it takes, and the version of what it is for."""
    rows = {name: (title, found) for name, title, found in adapters()}
    assert {*BASES.values(), "jax", "numpy_class", "clipping"} <= rows.keys()
    assert all(title for title, _ in rows.values())
    assert rows["numpy_class"][1] == ""
    assert rows["torch"][1].startswith("torch 2.")


def test_a_package_that_is_not_here_is_said_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a framework its row says what installs it."""
    monkeypatch.setattr(listing, "find_spec", lambda _: None)
    found = {name: here for name, _, here in adapters()}
    assert found["keras"] == "not installed: pip install 'ltdcheck[keras]'"
    assert found["flax_nnx"] == "not installed: pip install 'ltdcheck[flax]'"
    assert found["reservoirpy"] == "not installed: pip install reservoirpy"


def test_no_framework_is_imported_to_list_them() -> None:
    """The list reads files and metadata alone."""
    code = (
        "import sys; from ltdcheck.adapters.listing import adapters; list(adapters());"
        "print({'torch', 'jax', 'keras', 'tensorflow', 'onnx'} & sys.modules.keys())"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "set()"
