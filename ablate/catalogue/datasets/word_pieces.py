"""Word pieces: the texts of a corpus as token ids, of a vocabulary trained on it or of a pretrained network's own.

Source: Schuster & Nakajima 2012; as in BERT (Devlin et al. 2019, arXiv:1810.04805). Shapes: N books, L tokens.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ablate.catalogue.datasets.dataset import SourceFile
from ablate.errors import DataError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

PAD, UNKNOWN, BEGIN, END = "[PAD]", "[UNK]", "[CLS]", "[SEP]"
TOKENIZER_FILES = ("tokenizer.json", "vocab.txt", "tokenizer_config.json")


def train_word_pieces(texts: list[tuple[str, ...]], vocabulary: int) -> Tokenizer:
    """At most `vocabulary` lower-case pieces without accents; a piece must occur twice. The same texts give the same pieces.

    The trainer of tokenizers 0.23 numbers letters in the order of a hash table, which differs from run to run, and breaks
    ties by number: so they are given to it in order, as special tokens, and the pieces move to a model of their own.
    """
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # its threads would warn of every fork that comes later
    from tokenizers import Tokenizer
    from tokenizers.models import WordPiece
    from tokenizers.normalizers import BertNormalizer
    from tokenizers.pre_tokenizers import BertPreTokenizer
    from tokenizers.trainers import WordPieceTrainer

    normalizer, pre_tokenizer = BertNormalizer(), BertPreTokenizer()
    words = Counter(
        word
        for fields in texts
        for field in fields
        for word, _ in pre_tokenizer.pre_tokenize_str(normalizer.normalize_str(field))
    )
    letters = _letters(words, most=vocabulary // 4)
    first = sorted({word[0] for word in words} & letters)
    inner = sorted({f"##{letter}" for word in words for letter in word[1:] if letter in letters})
    trainer = WordPieceTrainer(
        vocab_size=vocabulary,
        min_frequency=2,
        special_tokens=[PAD, UNKNOWN, BEGIN, END, *first, *inner],
        show_progress=False,
    )
    trained = Tokenizer(WordPiece(unk_token=UNKNOWN))
    trained.pre_tokenizer = pre_tokenizer
    known = ("".join(letter for letter in word if letter in letters) for word in words.elements())
    trained.train_from_iterator(known, trainer)
    tokenizer = Tokenizer(WordPiece(trained.get_vocab(), unk_token=UNKNOWN))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizer, pre_tokenizer
    return tokenizer


def _letters(words: Counter[str], *, most: int) -> set[str]:
    """The most frequent ones, of equally frequent ones the first: each takes up to two places, alone and inside a word."""
    counts: Counter[str] = Counter()
    for word, times in words.items():
        for letter in word:
            counts[letter] += times
    return set(sorted(counts, key=lambda letter: (-counts[letter], letter))[:most])


@lru_cache(maxsize=1)
def load_word_pieces(name: str) -> Tokenizer:
    """Those of a pretrained network, from its folder or by its name on the hub. Raises DataError."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from transformers import AutoTokenizer

    try:
        tokenizer: Tokenizer = AutoTokenizer.from_pretrained(name).backend_tokenizer
    except (
        OSError,
        ValueError,
        AttributeError,
    ) as error:  # no such folder, no network; no model in it; none of BERT's kind
        why = " ".join(str(error).split())
        raise DataError(
            f"data.params.tokenizer '{name}' cannot be read ({why})\n"
            f"  name a folder with {' or '.join(TOKENIZER_FILES[:2])}, or without network download one elsewhere"
        ) from error
    wrong = [word for word in (UNKNOWN, BEGIN, END) if tokenizer.token_to_id(word) is None]
    if wrong or tokenizer.token_to_id(PAD) != 0:
        raise DataError(
            f"data.params.tokenizer '{name}' has no BERT vocabulary: it needs {PAD} as token 0, {UNKNOWN}, {BEGIN}, {END}\n"
            "  take the one of a DistilBERT model"
        )
    return tokenizer


def tokenizer_source(name: str) -> SourceFile:
    """What the cache must know of a tokenizer: its files where it is a folder, else its name."""
    folder, digest = Path(name).expanduser().absolute(), hashlib.md5(name.encode(), usedforsecurity=False)
    for file in (folder / part for part in TOKENIZER_FILES):
        if file.is_file():
            digest.update(file.read_bytes())
    return SourceFile(folder, digest.hexdigest())


def token_rows(tokenizer: Tokenizer, texts: list[tuple[str, ...]], tokens: int) -> npt.NDArray[np.int64]:
    """[N, L]: `[CLS] title [SEP] authors [SEP] ...` as far as it goes, then 0."""
    rows = np.zeros((len(texts), tokens), dtype=np.int64)
    begin, end = tokenizer.token_to_id(BEGIN), tokenizer.token_to_id(END)
    assert begin is not None and end is not None, "word pieces without the marks of a text's begin and end"
    for row, fields in zip(rows, texts, strict=True):
        ids = [begin]
        for field in fields:
            if field:
                ids += [*tokenizer.encode(field, add_special_tokens=False).ids, end]
        row[: len(ids)] = ids[:tokens]
    return rows
