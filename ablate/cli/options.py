"""Options that several commands share, and how they are read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Optional

import typer

from ablate.errors import AblateError

StudyPath = Annotated[Path, typer.Argument(help="Study file, YAML.", metavar="STUDY.yaml")]
Overrides = Annotated[
    Optional[list[str]],
    typer.Option("--set", metavar="KEY=VALUE", help="Change a key of the study file: --set search.trials=40."),
]
Trials = Annotated[Optional[int], typer.Option(help="Same as --set search.trials=N; an ablation has ablation.seeds.")]
Seed = Annotated[Optional[int], typer.Option(help="Same as --set seed=N.")]
DataDir = Annotated[
    Path, typer.Option(envvar="ABLATE_DATA", help="Folder of the data sets, in torchvision's layout.", metavar="DIR")
]
OutDir = Annotated[Path, typer.Option(help="Folder of the studies; one folder in it per study.", metavar="DIR")]
TrackingUri = Annotated[
    Optional[str], typer.Option(help="MLflow's tracking URI; by default a sqlite file in --out.", metavar="URI")
]
DEFAULT_DATA = Path("~/.cache/ablate")
DEFAULT_OUT = Path("runs")


def overrides(given: list[str] | None, trials: int | None, seed: int | None) -> list[str]:
    """All changes to a study file, those that have an option of their own among them."""
    extra = [f"search.trials={trials}"] if trials is not None else []
    return [*(given or []), *extra, *([f"seed={seed}"] if seed is not None else [])]


def store_uri(tracking_uri: str | None, out: Path) -> str:
    """MLflow's store to read: the one that is named, or the sqlite file that runs in `out` write."""
    from ablate.store.tracking import check_tracking_uri

    database = (out / "mlflow.db").absolute()
    if tracking_uri is None and not database.exists():
        raise AblateError(f"{database} is not there\n  `ablate run` writes it; --out names another folder")
    uri = tracking_uri or f"sqlite:///{database}"
    check_tracking_uri(uri, to_read=True)
    return uri


def write_files(option: str, folder: Path, files: Mapping[str, bytes], *, make: bool = True) -> list[Path]:
    """Write name -> content into the folder that `option` names, which is made where it is not there; the paths written."""
    written = []
    for name, content in files.items():
        path = folder / name
        try:
            if make:
                folder.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            raise AblateError(
                f"{option} {path} cannot be written ({why})\n  name a place that can be written"
            ) from None
        written.append(path)
    return written
