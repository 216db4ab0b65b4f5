"""`ablate embed`, `ablate verify` and `ablate nearest`: an exported model at work on picture files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ablate.cli.options import write_files
from ablate.errors import AblateError
from ablate.types import counted

if TYPE_CHECKING:
    from ablate.serve.model import Floats, Model
    from ablate.serve.similar import Match

THUMBNAIL = 160
"""Pixels of a picture's side on the sheet, at most."""

ModelDir = Annotated[Path, typer.Argument(help="Folder that `ablate export` made.", metavar="MODEL")]
Picture = Annotated[Path, typer.Argument(help="A picture file; colour and depth become what the model takes.")]


def embed(
    model: ModelDir,
    pictures: Annotated[list[Path], typer.Argument(help="Files, or folders with pictures at any depth.")],
    output: Annotated[Path, typer.Option(help="*.npy, or *.parquet with the path of each picture.", metavar="FILE")],
) -> None:
    """Embed pictures: one row each in the order given, those of a folder by name."""
    from ablate.serve.picture_files import find_pictures
    from ablate.serve.table import TABLES, check_output, encoded

    check_output(output, *TABLES)
    paths = find_pictures(pictures)
    _, embeddings = _embedded(model, paths)
    for path in write_files("--output", output.parent, {output.name: encoded(output, paths, embeddings)}, make=False):
        typer.echo(f"{counted(len(paths), 'picture')}, {embeddings.shape[1]} numbers each\n{path}")


def verify(
    model: ModelDir,
    first: Picture,
    second: Picture,
    json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Whether two pictures show the same: their distance, and the threshold that validation chose. Exit code 0 either way."""
    from ablate.serve.similar import match

    opened, (one, other) = _embedded(model, _files(first, second))
    description = opened.description
    found = match(one, other, threshold=description.threshold)
    if json:
        from json import dumps

        thresholds = {
            "similarity_threshold": description.threshold,
            "distance_threshold": description.distance_threshold,
        }
        errors = {"errors": asdict(description.errors) if description.errors else None}
        typer.echo(dumps({**asdict(found), **thresholds, **errors}))
        return
    typer.echo(
        f"{'same' if found.same else 'different'}\n"
        f"distance    {found.distance:.4f}, same up to {description.distance_threshold:.4f}\n"
        f"similarity  {found.similarity:.4f}, same from {description.threshold:.4f} (cosine)"
    )
    if description.errors:
        typer.echo(f"errors      {description.errors}")


def nearest(
    model: ModelDir,
    query: Picture,
    folder: Annotated[Path, typer.Argument(help="Where to look, at any depth; the query itself is passed over.")],
    output: Annotated[Path, typer.Option(help="The contact sheet, PNG.", metavar="FILE")] = Path("nearest.png"),
) -> None:
    """The 10 pictures of a folder that are most similar to one: a table, and a contact sheet."""
    from ablate.serve.picture_files import find_pictures
    from ablate.serve.similar import match
    from ablate.serve.similar import nearest as positions
    from ablate.serve.table import check_output

    check_output(output, ".png")
    if not folder.is_dir():
        raise AblateError(f"{folder} is no folder\n  name one that holds pictures")
    [asked] = _files(query)
    paths = [path for path in find_pictures([folder]) if not path.samefile(asked)]
    if not paths:
        raise AblateError(f"{folder} holds no picture but the query\n  name a folder with others")
    opened, embeddings = _embedded(model, [asked, *paths])
    one, others = embeddings[0], embeddings[1:]
    found = {paths[i]: match(one, others[i], threshold=opened.description.threshold) for i in positions(one, others)}
    sheet = _sheet(asked, found, folder, opened.description.distance_threshold)
    for path in write_files("--output", output.parent, {output.name: sheet}, make=False):
        typer.echo(f"{'rank':>4}  distance  similarity  verdict    file")
        for rank, (name, each) in enumerate(found.items(), 1):
            verdict = "same" if each.same else "different"
            typer.echo(f"{rank:>4}  {each.distance:8.4f}  {each.similarity:10.4f}  {verdict:9}  {name}")
        if opened.description.errors:
            typer.echo(f"verdicts: {opened.description.errors}")
        typer.echo(path)


def _files(*paths: Path) -> list[Path]:
    """The same, all of them files. Raises AblateError."""
    from ablate.serve.picture_files import find_pictures

    for path in paths:
        if path.is_dir():
            raise AblateError(f"{path} is a folder\n  name a picture file")
    return find_pictures(paths)


def _embedded(model: Path, paths: Sequence[Path]) -> tuple[Model, Floats]:
    """The model, and its embeddings [N, D] of the pictures; all of them are decoded before the first is embedded."""
    from ablate.serve.model import open_model
    from ablate.serve.picture_files import read_pictures

    opened = open_model(model)
    return opened, opened.embed(read_pictures(paths, opened.description.preprocessing))


def _sheet(query: Path, found: Mapping[Path, Match], folder: Path, threshold: float) -> bytes:
    """The contact sheet as PNG; `threshold` is a distance."""
    from ablate.serve.picture_files import thumbnail
    from ablate.summary.contact_sheet import Shown, contact_sheet
    from ablate.summary.png import png

    shown = [
        Shown(thumbnail(path, THUMBNAIL), str(path.relative_to(folder)), each.distance, each.same)
        for path, each in found.items()
    ]
    title = (
        f"the {len(shown)} most similar to {query.name} in {folder}, with d, the distance of their embeddings; "
        f"called the same up to d = {threshold:.3f}"
    )
    return png(contact_sheet(Shown(thumbnail(query, THUMBNAIL), query.name), shown, title=title))
