"""`ablate list`, `ablate schema` and `ablate ui`: what can be named, and a view of what was run."""

from __future__ import annotations

import os
import socket
import sys
from typing import Annotated, Optional

import typer

from ablate.cli.options import DEFAULT_OUT, OutDir, TrackingUri, store_uri
from ablate.errors import AblateError


def list_(
    kind: Annotated[
        Optional[str],
        typer.Argument(
            help="losses, samplers, backbones, optimizers, schedules, augmentations, datasets, metrics or costs."
        ),
    ] = None,
) -> None:
    """What can be named in a study file: parameters, default search spaces, sources."""
    from ablate.study.keys import near
    from ablate.summary.catalogue import KINDS, as_text

    if kind is not None and kind not in KINDS:
        raise AblateError(f"there is no list of '{kind}'\n  {near(kind, list(KINDS))}")
    typer.echo("\n\n".join(as_text(name) for name in ([kind] if kind else KINDS)))


def schema() -> None:
    """The JSON schema of study files, for editors."""
    import json

    from ablate.study.json_schema import study_json_schema

    typer.echo(json.dumps(study_json_schema(), indent=1))


def ui(
    out: OutDir = DEFAULT_OUT,
    port: Annotated[int, typer.Option(help="Port on this machine.", min=1, max=65535)] = 5000,
    tracking_uri: TrackingUri = None,
) -> None:
    """Open the MLflow UI on the studies' store; Ctrl-C ends it."""
    uri = store_uri(tracking_uri, out)
    if uri.startswith(("http:", "https:")):
        raise AblateError(f"--tracking-uri {uri} is a server with a UI of its own\n  open that address in a browser")
    _check_free(port)
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false")  # eight processes that studies have no use for
    typer.echo(f"MLflow UI on http://127.0.0.1:{port}, comes up in some seconds (Ctrl-C ends it)", err=True)
    words = ["ui", "--backend-store-uri", uri, "--port", str(port), "--workers", "1"]
    os.execv(sys.executable, [sys.executable, "-m", "mlflow", *words])


def _check_free(port: int) -> None:
    """Raise AblateError where nothing can listen on `port`: MLflow would say so late, and at length."""
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError as error:
        raise AblateError(
            f"--port {port} cannot be had ({os.strerror(error.errno or 0).lower()})\n  name another, as in --port {port + 1}"
        ) from None
