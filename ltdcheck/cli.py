"""The command line. Everything heavy is imported inside the command that needs it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

import click

from ltdcheck import __version__
from ltdcheck.cli_compare import compare
from ltdcheck.cli_mutate import mutate
from ltdcheck.cli_report import report
from ltdcheck.cli_vectors import vectors

_JOBS = "Targets checked at a time, each in processes of its own."
_ENGINE = "Who checks them: dask is the cluster at DASK_SCHEDULER_ADDRESS, or one of N workers here."
KINDS = ("systems", "cells", "networks", "properties", "faults", "variants", "adapters")


class _Commands(click.Group):
    """Turns our own exceptions into one paragraph and the exit status of the contract."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; ``--traceback`` shows where an error came from."""
        from ltdcheck.errors import LtdcheckError, UsageError

        try:
            return super().invoke(ctx)
        except LtdcheckError as error:
            if ctx.params.get("traceback"):
                raise
            click.echo(f"Error: {error}", err=True)
            ctx.exit(2 if isinstance(error, UsageError) else 3)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise  # click ends quietly where the reader of a pipe has gone
        except Exception as error:  # a defect of ours has an exit status of its own
            if ctx.params.get("traceback"):
                raise
            name = type(error).__name__
            click.echo(f"ltdcheck itself failed: {name}: {error}. 'ltdcheck --traceback ..' shows where.", err=True)
            ctx.exit(3)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="ltdcheck")
@click.option("--traceback", is_flag=True, help="Show the whole traceback of an error.")
def main(traceback: bool) -> None:  # noqa: FBT001
    """Check recurrent networks: the forward pass, every gradient, and the behaviour over long lags.

    Exit status: 0 all targets conform; 1 some target does not; 2 the command line or a target cannot be used;
    3 ltdcheck itself failed; 4 nothing was found wrong but the run is not complete.
    """


@main.command()
@click.argument("targets", nargs=-1, required=True, metavar="TARGET...")
@click.option("--cell", metavar="NAME", help="The family they claim to be: lstm, gru, clip-norm, ..; or other.")
@click.option("--as", "declared", default="", metavar="WORDS", help='Declared as, e.g. "reset=after, order=r u n".')
@click.option("--profile", default="default", show_default=True, metavar="NAME", help="quick, default or thorough.")
@click.option("--seed", default=0, show_default=True, help="Seed of the drawn examples.")
@click.option("--property", "chosen", multiple=True, metavar="ID", help="Check this property only; may be repeated.")
@click.option("--timeout", default=60.0, show_default=True, metavar="S", help="Seconds for one call of a target.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), metavar="F", help="Write the record.")
@click.option("--html", "html_path", type=click.Path(path_type=Path), metavar="F", help="Write a page.")
@click.option("--junit", "junit_path", type=click.Path(path_type=Path), metavar="F", help="Write JUnit XML.")
@click.option("--sarif", "sarif_path", type=click.Path(path_type=Path), metavar="F", help="Write SARIF.")
@click.option(
    "--baseline",
    "baseline_path",
    type=click.Path(path_type=Path),
    metavar="F",
    help="Let the exit status leave out what this record of an earlier run finds too.",
)
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, metavar="N", help=_JOBS)
@click.option("--engine", type=click.Choice(["local", "dask"]), default="local", show_default=True, help=_ENGINE)
def check(
    targets: Sequence[str],
    cell: str | None,
    declared: str,
    profile: str,
    seed: int,
    chosen: Sequence[str],
    timeout: float,
    json_path: Path | None,
    html_path: Path | None,
    junit_path: Path | None,
    sarif_path: Path | None,
    baseline_path: Path | None,
    jobs: int,
    engine: Literal["local", "dask"],
) -> None:
    """Validate implementations: module:attr, path/to/file.py:attr, or exec:COMMAND."""
    from ltdcheck.runner.starting import started

    in_turn = jobs == 1 and engine == "local"
    click.get_current_context().with_resource(started(targets if in_turn else (), cell, timeout))
    from ltdcheck.cli_run import conduct, refuse_unusable
    from ltdcheck.errors import UsageError
    from ltdcheck.reporting.baseline import Baseline
    from ltdcheck.runner.check import run
    from ltdcheck.runner.examiners import Options
    from ltdcheck.runner.profiles import profile_named
    from ltdcheck.runner.side_by_side import run_side_by_side
    from ltdcheck.runner.subjects import Target

    refuse_unusable(cell, timeout, html_path, junit_path, sarif_path)
    baseline = Baseline.read(baseline_path) if baseline_path else None
    if len(set(targets)) < len(targets):
        raise UsageError(f"A target is named twice in {' '.join(targets)}; name each once.")
    options = partial(Options, profile_named(profile), seed, tuple(chosen), timeout)
    wanted = [Target(t, None, cell, declared) for t in targets]
    ask = run if in_turn else partial(run_side_by_side, jobs=jobs, engine=engine)
    conduct(
        lambda told, observers: ask(wanted, told, observers),
        options,
        json_path,
        html_path,
        junit_path,
        sarif_path=sarif_path,
        baseline=baseline,
    )


main.add_command(compare)
main.add_command(mutate)
main.add_command(report)
main.add_command(vectors)


@main.command()
@click.argument("where", metavar="RECORD:LINE")
@click.option("--timeout", default=60.0, show_default=True, metavar="S", help="Seconds for one call of a target.")
def replay(where: str, timeout: float) -> None:
    """Ask one recorded question again."""
    from ltdcheck.errors import UsageError
    from ltdcheck.reporting.finding_text import finding_text
    from ltdcheck.reporting.json_lines import read_record
    from ltdcheck.reporting.words import identity
    from ltdcheck.runner.replay import recorded
    from ltdcheck.runner.replay import replay as again

    path, _, number = where.rpartition(":")
    if not path or not number.isdigit():
        raise UsageError(f"{where!r} names no result: write RECORD:LINE, as in record.jsonl:17.")
    result = again(recorded(read_record(path, partial=True), int(number), path), timeout)
    click.echo(finding_text(result, identity(result.target, result.cell, result.variant)))
    if result.status == "passed":
        click.echo("It agrees now.")
    sys.exit({"failed": 1, "passed": 0, "not_applicable": 0, "errored": 3}.get(result.status, 4))


@main.command(name="list")
@click.argument("kind", type=click.Choice(KINDS))
def list_(kind: str) -> None:
    """Name what there is."""
    from ltdcheck.catalogue import listed

    for name, title in listed(kind):
        click.echo(f"{name:38} {title}")


@main.command()
@click.argument("id")
def explain(id: str) -> None:
    """Say what a system (by its name, or its row: S29), a property or a fault is; or ``bounds``, or ``protocol``."""
    from ltdcheck.catalogue import explained

    click.echo(explained(id))
