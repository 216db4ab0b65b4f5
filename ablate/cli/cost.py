"""`ablate cost`: the cost card of one architecture."""

from __future__ import annotations

import os
from functools import partial
from typing import Annotated, Optional

import typer

from ablate.errors import AblateError, StudyError


def cost(
    backbone: Annotated[str, typer.Argument(help="As in `ablate list backbones`.", metavar="BACKBONE")],
    embedding_dim: Annotated[int, typer.Option(help="Width of the embedding.", min=2)] = 64,
    image_size: Annotated[int, typer.Option(help="Height and width of an image in pixels.")] = 224,
    views: Annotated[str, typer.Option(help="Of each image, when it is embedded: one, mirror or turns.")] = "one",
    channels: Annotated[int, typer.Option(help="1 grey, 3 colour.", min=1, max=3)] = 3,
    set_: Annotated[
        Optional[list[str]],
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="A parameter of the backbone, or of books: --set backbone.width=64, --set data.tokens=64.",
        ),
    ] = None,
    cpus: Annotated[Optional[int], typer.Option(help="Threads on the CPU; default: all.", min=1)] = None,
    format: Annotated[str, typer.Option(help="table, md or json.")] = "table",
) -> None:
    """What an architecture costs: weights, arithmetic, memory; latency and throughput on each device of this machine.

    Books have the shape that the data set goodbooks gives them. Nothing else should run meanwhile.
    """
    from ablate.catalogue.backbones import BACKBONES, ImageShape, takes_books
    from ablate.catalogue.datasets import DATASETS, item_shape
    from ablate.study.load import parse_study
    from ablate.summary.card import FORMATS

    if format not in FORMATS:
        raise AblateError(f"--format {format} is not known\n  write one of: {', '.join(FORMATS)}")
    found = len(os.sched_getaffinity(0))
    if cpus is not None and cpus > found:
        raise AblateError(
            f"--cpus {cpus}: this machine has {found}, and threads that wait for each other cannot be timed\n"
            f"  give it {found} or less"
        )
    books = backbone in BACKBONES and takes_books(BACKBONES[backbone])
    data = "{name: goodbooks, protocol: pairs}" if books else f"{{name: omniglot, image_size: {image_size}}}"
    shown = "" if books and views == "one" else f"views: {views}, "
    space = f'{{backbone: "{backbone}", embedding_dim: {embedding_dim}, {shown}loss: info_nce}}'
    try:  # read as a study file is, so that names, parameters and bounds are told of in the same words
        study = parse_study(
            f"study: cost\ndata: {data}\nspace: {space}", "ablate cost", _keys(backbone, set_ or [], books=books)
        )
    except StudyError as error:
        raise AblateError("\n".join(f"{fault.what}\n  {fault.mend}" for fault in error.faults)) from None
    architectures = list(study.space.architectures() or ())
    if len(architectures) != 1:
        raise AblateError("a card is of one architecture\n  give each parameter in --set one value")
    dataset = DATASETS[study.data.name].build(**study.data.params)
    shape = item_shape(dataset, image_size)
    from ablate.training.card import measure_card

    if isinstance(shape, ImageShape):
        shape = shape._replace(channels=channels)
    card = measure_card(architectures[0], shape, cpus=cpus or found, tell=partial(typer.echo, err=True))
    typer.echo(FORMATS[format](card), nl=False)


def _keys(backbone: str, assignments: list[str], *, books: bool) -> list[str]:
    """The same assignments with the keys of a study file."""
    places = {"backbone": f"space.backbone.{backbone}"} | ({"data": "data.params"} if books else {})
    keys = []
    for assignment in assignments:
        slot, dot, rest = assignment.partition(".")
        if slot not in places or not dot:
            raise AblateError(
                f"--set {assignment}: nothing of {backbone} reads this key\n"
                f"  write {' or '.join(f'{place}.NAME=VALUE' for place in places)}"
            )
        keys.append(f"{places[slot]}.{rest}")
    return keys
