"""The command ``ltdcheck compare``. Everything heavy is imported inside it."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click


@click.command()
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@click.option("--cell", metavar="NAME", help="The family both claim to be: lstm, gru, .., or other.")
@click.option("--profile", default="default", show_default=True, metavar="NAME", help="quick, default or thorough.")
@click.option("--seed", default=0, show_default=True, help="Seed of the drawn examples.")
@click.option("--timeout", default=60.0, show_default=True, metavar="S", help="Seconds for one call of a target.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), metavar="F", help="Write the record.")
@click.option("--html", "html_path", type=click.Path(path_type=Path), metavar="F", help="Write a page.")
@click.option("--junit", "junit_path", type=click.Path(path_type=Path), metavar="F", help="Write JUnit XML.")
def compare(
    first: str,
    second: str,
    cell: str | None,
    profile: str,
    seed: int,
    timeout: float,
    json_path: Path | None,
    html_path: Path | None,
    junit_path: Path | None,
) -> None:
    """Hold two implementations against each other on the same problems.

    Both are identified, and weights are transferred by their layouts, or by name where there is no reference for one.
    Outputs and all gradients are compared entry by entry, within the sum of both rounding bounds. What is wrong in both
    alike does not show: 'ltdcheck check' finds it.

    Exit status: 0 they agree; 1 they do not, or are not the same function; 2 one cannot be used, or they cannot be
    asked the same questions; 3 ltdcheck itself failed; 4 not everything could be decided.
    """
    from ltdcheck.cli_run import conduct, refuse_unusable
    from ltdcheck.runner.check import compare as held
    from ltdcheck.runner.examiners import Options
    from ltdcheck.runner.profiles import profile_named
    from ltdcheck.runner.subjects import Target

    refuse_unusable(cell, timeout, html_path, junit_path)
    options = partial(Options, profile_named(profile), seed, (), timeout)
    targets = Target(first, None, cell), Target(second, None, cell)
    conduct(lambda told, observers: held(*targets, told, observers), options, json_path, html_path, junit_path)
