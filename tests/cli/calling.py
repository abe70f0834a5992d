"""A command, called in this process."""

from pathlib import Path

from click.testing import CliRunner

from ltdcheck.cli import main

ROOT = Path(__file__).parents[2]


def call(*arguments: str) -> tuple[int, str]:
    """Exit status, and everything that was printed."""
    done = CliRunner().invoke(main, arguments)
    return done.exit_code, done.output


def call_for_line(*arguments: str) -> tuple[int, str]:
    """The same, on one line."""
    status, text = call(*arguments)
    return status, " ".join(text.split())


def call_for_report(*arguments: str) -> tuple[int, str]:
    """Exit status, and what was reported: progress and errors go elsewhere."""
    done = CliRunner().invoke(main, arguments)
    return done.exit_code, done.stdout
