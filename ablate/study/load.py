"""Read a study file: everything wrong with it is found at once, each fault with line and mend, before anything starts."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ablate.errors import Fault, StudyError
from ablate.study.ablation_file import read_ablation, spread_levels
from ablate.study.checks import check_batch, check_dataset, check_mirrored, check_stopping
from ablate.study.findings import faults_of
from ablate.study.items import check_items
from ablate.study.keys import check_keys
from ablate.study.known_costs import check_known
from ablate.study.objectives import check_algorithm, check_objectives
from ablate.study.one_shot import check_ways
from ablate.study.overrides import override
from ablate.study.prices import read_price
from ablate.study.schema import StudyFile
from ablate.study.shares import check_shares, check_sharing
from ablate.study.space_file import read_space
from ablate.study.study import Study
from ablate.study.yaml_lines import Document, Unreadable, as_text, dotted, parse


def load_study(path: Path, overrides: Sequence[str] = ()) -> Study:
    """The study in `path`, with each `KEY=VALUE` of `overrides` applied.

    Raises StudyError with all faults. Reads no data: what data sets contain is known to the catalogue.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")  # some editors put a mark before the first character
    except UnicodeDecodeError as error:
        what = f"this is no text: the byte 0x{error.object[error.start]:02x} at {error.start} is no UTF-8"
        raise StudyError([Fault(f"{path}:1", what, "save it as UTF-8, or give the path of a YAML file")]) from None
    except OSError as error:
        what = (error.strerror or str(error)).lower()
        raise StudyError([Fault(str(path), f"cannot be read: {what}", _files_near(path))]) from None
    return parse_study(text, str(path), overrides)


def _files_near(path: Path) -> str:
    """Which study file may have been meant."""
    folder = path if path.is_dir() else path.parent
    found = [str(file) for file in sorted(folder.glob("*.y*ml"))]
    close = [] if path.is_dir() else difflib.get_close_matches(str(path), found, n=1)
    if close:
        return f"did you mean '{close[0]}'?"
    return f"there are: {', '.join(found)}" if found else "give the path of a YAML file"


def parse_study(text: str, name: str, overrides: Sequence[str] = ()) -> Study:
    """The study that `text` writes; `name` is what its faults are said to be in. Raises StudyError."""
    try:
        document = parse(text, name)
    except Unreadable as error:
        raise StudyError([Fault(f"{name}:{error.line}", error.what, error.mend)]) from None
    faults = [
        Fault(document.where(path), f"{dotted(path)} stands here a second time", "remove one of the two")
        for path in document.twice
    ]
    faults += [fault for assignment in overrides if (fault := override(document, assignment)) is not None]
    resolved = deepcopy(document.tree)  # the checks write defaults and levels of factors into the tree
    return _check(document, _changed(document) if document.overrides else text, resolved, faults)


def _check(document: Document, text: str, resolved: Mapping[str, Any], faults: list[Fault]) -> Study:
    """Every check, each on whatever part of the document is sound."""
    check_keys(document, faults)
    file = _validate(document, faults)
    dataset = check_dataset(document, faults)
    image_size = (file.data.image_size if file else None) or (dataset.image_size if dataset else 0)
    alone = spread_levels(document)
    space = read_space(document, faults, image_size) if isinstance(document.get("space"), dict) else None
    ablation = None
    if file is not None and file.ablation is not None and space is not None:
        ablation = read_ablation(document, file.ablation, space, alone, faults)
    if "ablation" in document.tree and document.get("ablation") is None:
        faults.append(
            Fault(document.where(("ablation",)), "ablation is empty", "write its design and factors, or remove it")
        )
    objectives = check_objectives(document, faults)
    check_algorithm(document, faults)
    price = read_price(document, file.resources if file else None, faults)
    spaces = [] if space is None else [space] if ablation is None else list(ablation.spaces.values())
    if file is not None:
        check_known(document, file.cost, file.resources, spaces, faults)
    if file is not None and space is not None:
        check_shares(document, file.resources.workers, spaces, faults)
        check_sharing(document, file.resources.gpus, spaces, faults)
        check_mirrored(document, spaces, faults)
    check_stopping(document, faults)
    if dataset is not None:
        check_batch(document, dataset, spaces, faults)
        check_ways(document, dataset, faults)
        check_items(document, dataset, faults)
    if faults:
        raise StudyError(sorted(faults, key=_line))
    assert file is not None and space is not None and dataset is not None, "a part is missing, but no fault was told"
    return Study(
        name=file.study,
        question=file.question,
        data=file.data,
        objectives=objectives,
        space=space,
        search=file.search,
        ablation=ablation,
        resources=file.resources,
        constraints=file.constraints,
        cost=file.cost,
        price=price,
        seed=file.seed,
        text=text,
        resolved=resolved,
    )


def _changed(document: Document) -> str:
    """The file with `--set` applied: run again, it gives the same study."""
    changes = "\n".join(dict.fromkeys(document.overrides.values()))  # one may stand for several keys
    said = "".join(f"# {line}\n" for line in changes.splitlines())
    return f"# {document.name}, changed on the command line by\n{said}{as_text(document.tree)}"


def _validate(document: Document, faults: list[Fault]) -> StudyFile | None:
    """The file against its schema."""
    try:
        return StudyFile.model_validate(document.tree)
    except ValidationError as error:
        faults += faults_of(error, document)
        return None


def _line(fault: Fault) -> float:
    """Faults are told from the top of the file down, those of the command line last."""
    line = fault.where.rpartition(":")[2]
    return int(line) if line.isdigit() else float("inf")
