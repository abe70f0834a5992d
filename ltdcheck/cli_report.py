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
# a thousand steps of keras on TensorFlow take six seconds of an idle processor, and many times that on a busy one
@click.option("--timeout", default=300.0, show_default=True, metavar="S", help="Seconds for one call of a target.")
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=lambda: os.cpu_count() or 1,
    show_default="one a core",
    metavar="N",
    help="Targets checked at a time.",
)
@click.option("--afresh", is_flag=True, help="Check everything, also what an interrupted run has checked.")
def report(
    frameworks: Sequence[str],
    out: Path,
    profile: str,
    seed: int,
    timeout: float,
    jobs: int,
    afresh: bool,  # noqa: FBT001  (click passes it by name)
) -> None:
    """Check the recurrent layers and clipping functions of every installed framework, or of those named.

    Each target runs in a process of its own. The page has a table of targets and properties; what is wrong in it has a
    command that replays it. The same command goes on where it was interrupted. Exit status as for ``check``.
    """
    from ltdcheck.cli_run import conduct, refuse_unusable
    from ltdcheck.errors import UsageError
    from ltdcheck.reporting.shelf import Shelf
    from ltdcheck.result import Record
    from ltdcheck.runner.check import Observer, versions
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
    shelf = Shelf(out / "interrupted", f"{profile} {seed} {timeout:g} {versions()}")
    names = [target.spec for target in targets]
    if afresh:
        shelf.clear(names)
    known = partial(shelf.known, names)
    if before := known():
        taken = f"{before} of {len(targets)} targets were checked by a run that was interrupted"
        click.echo(f"{taken}; --afresh checks them again.", err=True)

    def asked(told: Options, observers: Sequence[Observer]) -> Record:
        record = run_side_by_side(targets, told, observers, jobs, shelf)
        shelf.clear(names)
        return record

    def kept() -> str:
        by_now = f"{known()} of {len(targets)} targets are checked, and kept in {shelf.folder}"
        return f"{by_now}; the same command goes on from there."

    conduct(asked, options, out / "record.jsonl", out / "index.html", None, kept)
