"""A pretrained transformer is read, and found to fit, before a study starts; a changed file there makes another study."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ablate.engine.options import Options
from ablate.engine.run import run_study
from ablate.errors import DataError, StoreError
from ablate.store.folder import StudyFolder
from ablate.study.load import parse_study
from ablate.study.study import Study
from ablate.training.prepare_backbones import prepare_backbones


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A DistilBERT of 40 word pieces with its tokenizer, as transformers saves them."""
    from transformers import DistilBertConfig, DistilBertModel

    place = tmp_path / "tiny"
    torch.manual_seed(1)
    config = DistilBertConfig(vocab_size=40, dim=8, n_layers=1, n_heads=2, hidden_dim=16, max_position_embeddings=32)
    DistilBertModel(config).save_pretrained(place)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"w{i}" for i in range(35))]
    (place / "vocab.txt").write_text("\n".join(words))
    (place / "tokenizer_config.json").write_text('{"tokenizer_class": "DistilBertTokenizer", "do_lower_case": true}')
    return place


def study(folder: Path, *, tokens: int = 16) -> Study:
    params = f"{{tokenizer: {folder}, tokens: {tokens}}}"
    backbone = f"{{distilbert: {{pretrained: {folder}, dropout: {{uniform: [0.0, 0.3]}}}}}}"
    return parse_study(
        f"study: s\ndata: {{name: goodbooks, protocol: pairs, params: {params}}}\n"
        f"space: {{backbone: {backbone}, loss: triplet, batch: {{classes: 4}}}}\n",
        "f.yaml",
    )


def test_weights_that_fit_are_read_and_left_as_they_are(folder: Path) -> None:
    before = (folder / "model.safetensors").read_bytes()
    prepare_backbones(study(folder))
    assert (folder / "model.safetensors").read_bytes() == before


def test_weights_that_are_missing_are_found_before_anything_is_started_or_written(folder: Path, tmp_path: Path) -> None:
    (folder / "model.safetensors").unlink()
    options = Options(
        tmp_path / "data", tmp_path / "runs", None, 1, None, None, False, True, False, True, lambda folder: {}
    )
    with pytest.raises(DataError, match=r"tiny' cannot be read \(.*no file named model\.safetensors"):
        run_study(study(folder), options)
    assert not (tmp_path / "runs").exists()


def test_weights_for_shorter_texts_are_refused(folder: Path) -> None:
    with pytest.raises(DataError, match="at most 32 tokens, the data set 40 and 64"):
        prepare_backbones(study(folder, tokens=64))


def test_from_scratch_nothing_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (
        "study: s\ndata: {name: goodbooks, protocol: pairs}\n"
        "space: {backbone: distilbert, loss: triplet, batch: {classes: 4}}\n"
    )
    monkeypatch.setattr("ablate.training.prepare_backbones.BACKBONES", {})
    prepare_backbones(parse_study(text, "f.yaml"))


def test_a_study_goes_on_only_with_the_weights_that_it_began_with(folder: Path, tmp_path: Path) -> None:
    kept = StudyFolder(tmp_path / "runs" / "s")
    kept.path.mkdir(parents=True)
    kept.describe(study(folder))
    kept.check(study(folder))
    (folder / "model.safetensors").write_bytes(b"another")
    with pytest.raises(StoreError, match=f"weights distilbert pretrained={folder}: was "):
        kept.check(study(folder))
