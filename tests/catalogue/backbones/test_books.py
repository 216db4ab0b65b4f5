"""Backbones of books: FLOPs counted by hand, DistilBERT's mean and masks, and pretrained weights from a folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from ablate.catalogue.backbones import BACKBONES, BookShape
from ablate.catalogue.datasets import DATASETS
from ablate.catalogue.datasets.word_pieces import load_word_pieces
from ablate.cost.flops import count_flops
from ablate.errors import DataError

BOOK = BookShape(tokens=12, vocabulary=50, numbers=3, categories=(4, 7))


def flops(name: str, **params: object) -> int:
    with torch.device("meta"):
        return count_flops(BACKBONES[name].build(BOOK, **params).module, BOOK)


def linear(rows: int, into: int, out: int) -> int:
    """A multiply-add is two operations."""
    return 2 * rows * into * out


def cnn(*, token_dim: int, width: int, windows: range) -> int:
    return sum(linear(BOOK.tokens - window + 1, window * token_dim, width) for window in windows)


def test_flops_of_text_cnn_are_those_of_its_windows() -> None:
    found = flops("text_cnn", token_dim=8, width=5, shortest=2, longest=4)
    assert found == cnn(token_dim=8, width=5, windows=range(2, 5))


def test_flops_of_metadata_mlp_are_those_of_its_layers() -> None:
    assert flops("metadata_mlp", width=16, depth=2, category_dim=6) == linear(1, 3 + 2 * 6, 16) + linear(1, 16, 16)


def test_flops_of_hybrid_are_those_of_both_its_sides() -> None:
    both = cnn(token_dim=8, width=5, windows=range(1, 4)) + linear(1, 3 + 2 * 8, 10)
    assert flops("hybrid", token_dim=8, width=5, metadata_width=10) == both


@pytest.mark.parametrize(("layers", "heads", "head_dim"), [(1, 2, 4), (3, 4, 8)])
def test_flops_of_distilbert_are_projections_attention_and_feed_forward(layers: int, heads: int, head_dim: int) -> None:
    tokens, dim = BOOK.tokens, heads * head_dim
    projections = 4 * linear(tokens, dim, dim)  # query, key, value, and the way out
    attention = heads * (linear(tokens, head_dim, tokens) + linear(tokens, tokens, head_dim))
    feed_forward = linear(tokens, dim, 4 * dim) + linear(tokens, 4 * dim, dim)
    found = flops("distilbert", layers=layers, heads=heads, head_dim=head_dim)
    assert found == layers * (projections + attention + feed_forward)


def test_padding_changes_nothing_of_what_distilbert_says_of_a_text() -> None:
    longer = BookShape(tokens=20, vocabulary=50, numbers=3, categories=(4, 7))
    torch.manual_seed(0)
    module = BACKBONES["distilbert"].build(longer).module.eval()
    row = torch.zeros(1, longer.width)
    row[0, :6] = torch.tensor([2, 9, 8, 7, 6, 3])
    with torch.no_grad():
        features = module(row)
        hidden = module.transformer(input_ids=row[:, :6].long()).last_hidden_state
    torch.testing.assert_close(features, hidden.mean(dim=1), atol=1e-5, rtol=1e-4)


def test_a_book_without_any_token_has_finite_features() -> None:
    module = BACKBONES["distilbert"].build(BOOK).module.eval()
    with torch.no_grad():
        assert module(torch.zeros(2, BOOK.width)).isfinite().all()


def test_text_cnn_takes_the_largest_response_of_each_window_over_all_places() -> None:
    """Against a loop over places and features."""
    torch.manual_seed(0)
    module = BACKBONES["text_cnn"].build(BOOK, token_dim=4, width=3, shortest=2, longest=3).module.eval()
    module.requires_grad_(False)
    ids = torch.randint(1, 50, (12,))
    row = torch.zeros(1, BOOK.width)
    row[0, :12] = ids.float()
    vectors = module.embed.weight[ids]
    expected = []
    for window in module.windows:
        size = window.weight.shape[2]
        for feature in range(3):
            places = [
                float((vectors[p : p + size].T * window.weight[feature]).sum() + window.bias[feature])
                for p in range(12 - size + 1)
            ]
            expected.append(max(0.0, *places))
    torch.testing.assert_close(module(row)[0], torch.tensor(expected))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A DistilBERT of 40 word pieces as transformers saves it, with its tokenizer."""
    from transformers import DistilBertConfig, DistilBertModel

    place = tmp_path_factory.mktemp("models") / "tiny"
    torch.manual_seed(1)
    config = DistilBertConfig(vocab_size=40, dim=8, n_layers=1, n_heads=2, hidden_dim=16, max_position_embeddings=32)
    DistilBertModel(config).save_pretrained(place)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "sea", "##side", *(f"w{i}" for i in range(33))]
    (place / "vocab.txt").write_text("\n".join(words))
    (place / "tokenizer_config.json").write_text('{"tokenizer_class": "DistilBertTokenizer", "do_lower_case": true}')
    return place


def test_pretrained_weights_are_those_of_the_folder(folder: Path) -> None:
    from transformers import DistilBertModel

    shape = BookShape(tokens=12, vocabulary=40, numbers=1, categories=(2,))
    module, width = BACKBONES["distilbert"].build(shape, pretrained=str(folder))
    original = DistilBertModel.from_pretrained(folder).state_dict()
    assert width == 8 and all(torch.equal(original[n], w) for n, w in module.transformer.state_dict().items())
    with torch.device("meta"):
        assert count_flops(BACKBONES["distilbert"].build(shape, pretrained=str(folder)).module, shape) > 0


def test_weights_of_another_vocabulary_are_refused(folder: Path) -> None:
    with pytest.raises(
        DataError, match=r"has 40 word pieces and at most 32 tokens, the data set 50 and 12\n.*tokenizer: "
    ):
        BACKBONES["distilbert"].build(BOOK, pretrained=str(folder))
    with pytest.raises(DataError, match="and at most 32 tokens, the data set 40 and 64"):
        BACKBONES["distilbert"].build(BookShape(64, 40, 1, (2,)), pretrained=str(folder))


def test_a_folder_with_weights_that_are_not_distilberts_is_refused(folder: Path, tmp_path: Path) -> None:
    """transformers draws what it does not find, and a trial would train from scratch under the name of a pretrained one."""
    shape = BookShape(tokens=12, vocabulary=40, numbers=1, categories=(2,))
    copy = Path(shutil.copytree(folder, tmp_path / "tiny"))
    weights = load_file(copy / "model.safetensors")
    save_file({name.replace("ffn", "dense"): weight for name, weight in weights.items()}, copy / "model.safetensors")
    with pytest.raises(DataError, match=r"4 of DistilBERT's are not there, as transformer\.layer\.0\.ffn\.lin1\.bias"):
        BACKBONES["distilbert"].build(shape, pretrained=str(copy))
    save_file(
        {name: weight.repeat(2) for name, weight in weights.items() if weight.ndim == 1}, copy / "model.safetensors"
    )
    with pytest.raises(DataError, match="cannot be read"):
        BACKBONES["distilbert"].build(shape, pretrained=str(copy))
    (copy / "model.safetensors").write_bytes(b"rubbish")
    with pytest.raises(DataError, match=r"cannot be read \(.*header"):
        BACKBONES["distilbert"].build(shape, pretrained=str(copy))


def test_a_folder_may_be_named_from_home(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder.parent))
    shape = BookShape(tokens=12, vocabulary=40, numbers=1, categories=(2,))
    assert BACKBONES["distilbert"].build(shape, pretrained=f"~/{folder.name}").num_features == 8


def test_a_folder_that_is_not_there_is_refused_with_the_files_it_needs(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"config\.json and model\.safetensors"):
        BACKBONES["distilbert"].build(BOOK, pretrained=str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match=r"name a folder with tokenizer\.json or vocab\.txt"):
        load_word_pieces(str(tmp_path / "nowhere"))


def test_a_data_set_reads_the_word_pieces_of_the_pretrained_folder(folder: Path) -> None:
    shape = DATASETS["goodbooks"].build(tokenizer=str(folder)).shape
    assert shape.vocabulary == 40
    ids = load_word_pieces(str(folder)).encode("Seaside zz", add_special_tokens=False).ids
    assert ids == [5, 6, 1]
