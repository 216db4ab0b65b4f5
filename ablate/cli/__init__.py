"""The command line: arguments, printing, exit codes. What is slow to import is imported by the command that needs it.

Exit codes: 0 done; 1 the study ended but some trials failed; 2 refused before anything started, or the disk is full, or the
study's database was lost, both resumable; 130 interrupted, resumable.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import typer

from ablate.cli.cost import cost
from ablate.cli.export import export
from ablate.cli.pictures import show_
from ablate.cli.read import compare, summarize
from ablate.cli.run import plan, run
from ablate.cli.serve import embed, nearest, verify
from ablate.cli.show import list_, schema, ui
from ablate.errors import AblateError

EXAMPLES: dict[Callable[..., None], str] = {
    run: "ablate run search_spaces/quickstart.yaml --cpus 2",
    plan: "ablate plan search_spaces/quickstart.yaml",
    summarize: "ablate summarize runs/quickstart --format md --output quickstart.md",
    show_: "ablate show best runs/quickstart",
    compare: "ablate compare runs/faces runs/faces-wide",
    cost: "ablate cost resnet18 --embedding-dim 128 --image-size 112",
    export: "ablate export runs/quickstart --format onnx --output model",
    embed: "ablate embed model pictures/ --output embeddings.parquet",
    verify: "ablate verify model one.png other.png",
    nearest: "ablate nearest model one.png pictures/ --output sheet.png",
    list_: "ablate list losses",
    schema: "ablate schema > search_spaces/study.schema.json",
    ui: "ablate ui --port 5001",
}
"""Every command in the order of `ablate --help`, with what ends its own help."""

app = typer.Typer(
    help="Which loss, backbone, sampler and optimizer give the best Siamese network on your data, and what it costs.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for _command, _example in EXAMPLES.items():
    app.command(_command.__name__.strip("_"), epilog=f"Example: {_example}")(_command)


def main() -> None:
    """Entry point: a user's mistake becomes one message and exit code 2."""
    try:
        app()
    except AblateError as error:
        typer.echo(str(error), err=True)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
