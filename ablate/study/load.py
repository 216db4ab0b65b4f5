"""Read a study file: everything wrong with it is found at once, each fault with line and mend, before anything starts."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from ablate.catalogue.costs import COSTS
from ablate.catalogue.datasets import DATASETS, Dataset
from ablate.catalogue.metrics import METRICS, PROTOCOLS
from ablate.errors import DataError, Fault, StudyError
from ablate.study import yaml_lines
from ablate.study.domain import Domain, limits
from ablate.study.schema import StudyFile
from ablate.study.space_file import read_space
from ablate.study.splits import num_train_classes
from ablate.study.study import Objective, Study
from ablate.study.yaml_lines import Document


def load_study(path: Path, overrides: Sequence[str] = ()) -> Study:
    """The study in `path`, with each `KEY=VALUE` of `overrides` applied.

    Raises StudyError with all faults. Reads no data: what data sets contain is known to the catalogue.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StudyError([Fault(str(path), f"cannot be read: {error}", "give the path of a YAML file")]) from None
    return parse_study(text, str(path), overrides)


def parse_study(text: str, name: str, overrides: Sequence[str] = ()) -> Study:
    """The study that `text` writes; `name` is what its faults are said to be in. Raises StudyError."""
    try:
        document = yaml_lines.parse(text, name)
        for assignment in overrides:
            yaml_lines.override(document, assignment)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        fault = Fault(f"{name}:{line}", f"this is no YAML: {error.problem}", "mend the indentation or the quotes")
        raise StudyError([fault]) from None
    except (yaml.YAMLError, ValueError) as error:
        raise StudyError(
            [Fault(f"{name}:1", str(error), "see search_spaces/quickstart.yaml for a study file")]
        ) from None
    faults = [
        Fault(document.where(path), f"{'.'.join(map(str, path))} stands here a second time", "remove one of the two")
        for path in document.twice
    ]
    return _check(document, text, faults)


def _check(document: Document, text: str, faults: list[Fault]) -> Study:
    """Every check; those that need a value run on whatever part of the file is sound."""
    file = _validate(document, faults)
    raw = document.tree.get("space")
    space = read_space(document, faults) if isinstance(raw, dict) else None
    data = document.tree.get("data")
    dataset = _dataset(document, data if isinstance(data, dict) else {}, faults)
    if file is None:
        if space and dataset and isinstance(data, dict):
            _check_batch(document, dataset, data, space.batch_classes, faults)
        raise StudyError(faults)
    objective = _objective(document, file, faults)
    for name in file.constraints:
        if name not in COSTS:
            near = _near(name, list(COSTS))
            faults.append(Fault(document.where(("constraints", name)), f"'{name}' is no cost", near))
    if space and dataset:
        _check_batch(document, dataset, file.data.model_dump(), space.batch_classes, faults)
    if faults or space is None or dataset is None:
        raise StudyError(faults)
    return Study(
        name=file.study,
        question=file.question,
        data=file.data,
        image_size=file.data.image_size or dataset.image_size,
        objective=objective,
        space=space,
        search=file.search,
        resources=file.resources,
        constraints=file.constraints,
        seed=file.seed,
        text=text,
        resolved=document.tree,
    )


def _validate(document: Document, faults: list[Fault]) -> StudyFile | None:
    """The file against its schema; pydantic's findings become faults with their lines."""
    try:
        return StudyFile.model_validate(document.tree)
    except ValidationError as error:
        for finding in error.errors():
            path = tuple(finding["loc"])
            dotted = ".".join(map(str, path))
            what, mend = finding["msg"].removeprefix("Value error, "), "see `ablate schema` for what may stand here"
            if finding["type"] == "extra_forbidden":
                what, mend = "nothing reads this key", _near(str(path[-1]), _fields(path[:-1]))
            elif finding["type"] == "missing":
                what, mend = "is missing", f"add `{path[-1]}:`"
            elif finding["type"] == "string_pattern_mismatch":
                what, mend = f"{finding['input']!r} is no name", "use letters, digits, `.`, `_` and `-`"
            elif finding["type"] == "literal_error":
                what, mend = f"{finding['input']!r} is not known here", f"write {finding['ctx']['expected']}"
            elif finding["type"] != "value_error":
                what = f"{finding['input']!r}: {what}"
            faults.append(Fault(document.where(path), f"{dotted}: {what}", mend))
        return None


def _fields(path: tuple[int | str, ...]) -> list[str]:
    """The keys that the schema knows below `path`."""
    model: Any = StudyFile
    for part in path:
        annotation = model.model_fields[str(part)].annotation if str(part) in model.model_fields else None
        candidates = [annotation, *getattr(annotation, "__args__", ())]
        model = next((c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)), None)
        if model is None:
            return []
    return list(model.model_fields)


def _near(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    meant = f"did you mean '{close[0]}'? " if close else ""
    return f"{meant}Known here: {', '.join(known)}"


def _dataset(document: Document, data: dict[str, Any], faults: list[Fault]) -> Dataset | None:
    """The data set that is named, built without touching its files."""
    name = data.get("name")
    if not isinstance(name, str):
        return None
    where = document.where(("data", "name"))
    if name not in DATASETS:
        faults.append(Fault(where, f"data.name: data set '{name}' is not registered", DATASETS.near(name)))
        return None
    entry, params = DATASETS[name], data.get("params") or {}
    if not isinstance(params, dict):
        return None
    unknown = [key for key in params if key not in entry.parameters]
    for key in unknown:
        at = document.where(("data", "params", key))
        faults.append(Fault(at, f"data.params.{key}: {name} reads no such key", _near(key, list(entry.parameters))))
    return None if unknown else entry.build(**params)


def _objective(document: Document, file: StudyFile, faults: list[Fault]) -> Objective:
    """The objective with its goal, if the protocol reports that metric."""
    where = document.where(("objective", "metric"))
    split, _, name = file.objective.metric.partition("/")
    known = [f"val/{metric.name}" for metric in PROTOCOLS[file.data.protocol]]
    if split == "test":
        faults.append(Fault(where, "the test split is sealed until the search is over", f"write val/{name}"))
    elif file.objective.metric not in known:
        what = f"'{file.objective.metric}' is not reported by protocol {file.data.protocol}"
        faults.append(Fault(where, what, _near(file.objective.metric, known)))
    goal = file.objective.goal or (METRICS[name].goal if name in METRICS else "maximize")
    return Objective(file.objective.metric, goal)


def _check_batch(
    document: Document, dataset: Dataset, data: dict[str, Any], classes: Domain, faults: list[Fault]
) -> None:
    """A batch cannot hold more classes than the training split has."""
    where = document.where(("data", "protocol"))
    try:
        available = num_train_classes(
            dataset.num_classes,
            protocol=data.get("protocol", "retrieval"),
            disjoint_parts=dataset.disjoint_parts,
            val_fraction=data.get("val_fraction", 0.2),
            test_fraction=data.get("test_fraction", 0.2),
        )
    except DataError as error:
        what, _, mend = str(error).partition("\n")
        faults.append(Fault(where, what, mend.strip() or "choose another protocol"))
        return
    except (TypeError, ValueError):
        return  # the schema has already named the value that is no number or no protocol
    if data.get("rotate_classes") is True:
        available *= 4  # each class counts four times, once for each quarter turn
    most = limits(classes)[1]
    if most > available:
        at = document.where(("space", "batch", "classes"))
        what = f"batch.classes is {most:g}, but the training split has only {available} classes"
        faults.append(Fault(at, what, f"set it to {available} or less"))
