"""The command ``ltdcheck report``. Everything heavy is imported inside it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click


@click.command()
@click.argument("frameworks", nargs=-1, metavar="[FRAMEWORK]...")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("reports"),
    show_default=True,
    metavar="DIR",
    help="Where index.html and record.jsonl go.",
)
@click.option("--profile", default="default", show_default=True, metavar="NAME", help="quick, default or thorough.")
@click.option("--seed", default=0, show_default=True, help="Seed of the drawn examples.")
@click.option("--timeout", default=60.0, show_default=True, metavar="S", help="Seconds for one call of a target.")
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=lambda: os.cpu_count() or 1,
    show_default="one a core",
    metavar="N",
    help="Targets checked at a time.",
)
def report(frameworks: Sequence[str], out: Path, profile: str, seed: int, timeout: float, jobs: int) -> None:
    """Check the recurrent layers and clipping functions of every installed framework, or of those named.

    Each target runs in a process of its own. The page has a table of targets and properties; what is wrong in it has a
    command that replays it. Exit status as for ``check``.
    """
    from ltdcheck.cli_run import conduct, refuse_unusable
    from ltdcheck.errors import UsageError
    from ltdcheck.runner.examiners import Options
    from ltdcheck.runner.installed import installed
    from ltdcheck.runner.profiles import profile_named
    from ltdcheck.runner.side_by_side import run_side_by_side

    chosen = installed(frameworks)
    if not chosen:
        raise UsageError("No framework that ltdcheck knows is installed; pip install 'ltdcheck[torch]' installs one.")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{out} cannot be made: {error.strerror}.") from error
    refuse_unusable(None, timeout)
    targets = [target for framework in chosen for target in framework.targets]
    options = partial(Options, profile_named(profile), seed, (), timeout)
    conduct(
        lambda told, observers: run_side_by_side(targets, told, observers, jobs),
        options,
        out / "record.jsonl",
        out / "index.html",
        None,
    )
