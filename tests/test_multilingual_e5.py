"""recipes/multilingual_e5.py on a tiny model like the one that the converter writes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tokenizers import Tokenizer, normalizers
from transformers import BertConfig, BertModel

from odqa.retrieval.encoder import Encoder
from tests.trimming import kinds

SCRIPT = Path(__file__).parents[1] / "recipes" / "multilingual_e5.py"


def made(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_it_makes_an_encoder_that_has_its_prompts_and_reads_line_ends_as_spaces(tmp_path: Path) -> None:
    tokenizer = kinds.make("unigram")
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Strip()])
    kinds.wrapped(tokenizer).save_pretrained(tmp_path)
    shape = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}
    BertModel(BertConfig(vocab_size=tokenizer.get_vocab_size(), pad_token_id=1, **shape)).save_pretrained(tmp_path)
    for _ in range(2):  # Again it changes nothing.
        done = made(tmp_path)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "tokenizer.json").read_text().count('"Nmt"') == 1
    encoder = Encoder.load(tmp_path, "cpu", backend="torch")
    assert encoder.prompts == {"query": "query: ", "passage": "passage: "}
    read = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    one, other = (read.encode(text).ids for text in ("the river\nand the\u200bbridge", "the river and the bridge"))
    assert one == other


def test_a_folder_without_a_model_is_told(tmp_path: Path) -> None:
    done = made(tmp_path)
    assert done.returncode == 1
    assert "has no tokenizer.json; run ../shared/tools/convert_e5_small.py again" in done.stderr
    assert "Traceback" not in done.stderr
