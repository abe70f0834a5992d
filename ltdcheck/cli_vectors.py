"""The command ``ltdcheck vectors``. Everything heavy is imported inside it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click


@click.command()
@click.argument("names", nargs=-1, metavar="[CELL]...")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("vectors"),
    show_default=True,
    metavar="DIR",
    help="Where the files go.",
)
def vectors(names: Sequence[str], out: Path) -> None:
    """Write test vectors for implementations in any language: of every cell and clipping rule, or of those named.

    Each vector holds a problem, its outputs and gradients with proved values and the bounds that rounding allows, and
    the ids of the faults that it reveals. Beside the files lie their JSON schema and check_vectors.py, a program in one
    file to copy, which holds an implementation against them.

    Exit status: 0 every fault of the catalogue is revealed; 1 some are not; 2 bad names, or nothing can be written.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

    from ltdcheck.vectors.write import subjects, write

    hidden = 0
    columns = (TextColumn("{task.description:14}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        for name in subjects(names):
            task = progress.add_task(name, total=None)

            def asked_one(done: int, total: int, task: TaskID = task) -> None:
                progress.update(task, completed=done, total=total)

            path, data = write(name, out, asked_one)
            progress.remove_task(task)
            hidden += len(data["unrevealed"])
            asked = len(data["vectors"]) + len(data["sequences"])
            revealed = len(data["faults"]) - len(data["unrevealed"])
            click.echo(f"{path}: {asked} vectors and sequences reveal {revealed} of {len(data['faults'])} faults")
            for id in data["unrevealed"]:
                click.echo(f"  not revealed: {id}  {data['faults'][id]}")
    sys.exit(1 if hidden else 0)
