"""Models of many families, cut to some texts: kept rows are what they were, and the outputs of the model too."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from odqa.errors import DataError, ModelError, UsageError
from odqa.pretraining.model import load_for_filling
from odqa.reader.model import Reader
from odqa.retrieval.encoder import Encoder
from odqa.trimming.trim import RECORD_FILE, trim
from odqa.views import Context
from tests import tiny
from tests.cli.conftest import snapshot
from tests.reader import families
from tests.trimming import kinds

TEXT = "Paris is the capital of France, and the river in Paris is the Seine."


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


def tokenizer_of(folder: Path) -> Any:
    return transformers.AutoTokenizer.from_pretrained(str(folder))


@pytest.mark.parametrize("family", families.FAMILIES)
def test_a_reader_reads_the_texts_as_before(family, text, tmp_path):
    whole = families.make(family, tmp_path / "whole")
    done = trim(str(whole), [text], tmp_path / "small")
    before, after = tokenizer_of(whole), tokenizer_of(tmp_path / "small")
    assert done.tokens_before == len(before) > done.tokens_after == len(after)
    old, new = before("Where is the river?", TEXT), after("Where is the river?", TEXT)
    assert after.convert_ids_to_tokens(after(TEXT)["input_ids"]) == before.convert_ids_to_tokens(
        before(TEXT)["input_ids"]
    )
    assert old.keys() == new.keys()
    readers = [
        Reader.load(folder, device="cpu", dtype="float32", backend="torch") for folder in (whole, tmp_path / "small")
    ]
    first, second = (reader.read(["the capital of France"], [Context(TEXT)])[0] for reader in readers)
    assert [(span.start, span.end) for span in first.spans] == [(span.start, span.end) for span in second.spans]
    assert np.allclose([span.score for span in first.spans], [span.score for span in second.spans], atol=1e-4)
    assert first.null_score == pytest.approx(second.null_score, abs=1e-4)


@pytest.mark.parametrize(
    "family", ["bert", "distilbert", "mpnet", "modernbert", "roberta", "xlm-roberta", "deberta-v2"]
)
def test_a_language_model_guesses_as_before_among_what_is_left(family, text, tmp_path):
    whole, small = tmp_path / "whole", tmp_path / "small"
    families.make(family, whole, head=False)
    config = transformers.AutoConfig.from_pretrained(str(whole))
    torch.manual_seed(0)
    model = transformers.AutoModelForMaskedLM.from_config(config)
    head = model.get_output_embeddings()
    if head.bias is not None:
        head.bias.data.normal_()
    model.save_pretrained(whole)
    trim(str(whole), [text], small)
    (model, before), (cut, after) = (load_for_filling(str(folder)) for folder in (whole, small))
    rows = [before.get_vocab()[token] for token, _ in sorted(after.get_vocab().items(), key=lambda item: item[1])]
    assert cut.config.vocab_size == len(rows) == cut.get_input_embeddings().num_embeddings
    assert torch.equal(cut.get_input_embeddings().weight, model.get_input_embeddings().weight[rows])
    assert cut.config.pad_token_id == after.pad_token_id
    masked = TEXT.replace("capital", before.mask_token)
    with torch.no_grad():
        wanted = model(**before(masked, return_tensors="pt")).logits[..., rows]
        found = cut(**after(masked, return_tensors="pt")).logits
    assert torch.allclose(wanted, found, atol=1e-4)


def test_an_encoder_keeps_its_modules_and_prompts(text, tmp_path):
    whole = tiny.make_encoder(tmp_path / "whole", prompts={"query": "question about the tower ", "passage": "moon "})
    (whole / "onnx").mkdir()
    (whole / "onnx" / "model.onnx").write_bytes(b"all tokens")
    (whole / "README.md").write_text("# An encoder\n")
    trim(str(whole), [text], tmp_path / "small")
    small = tmp_path / "small"
    assert not (small / "onnx").exists() and not (small / "vocab.txt").exists()
    for name in ("modules.json", "1_Pooling/config.json", "sentence_bert_config.json"):
        assert (small / name).read_bytes() == (whole / name).read_bytes()
    card = (small / "README.md").read_text()
    assert card.startswith("# An encoder\n") and "# A smaller vocabulary" in card and str(tmp_path) not in card
    encoders = [Encoder.load(folder, "cpu", backend="torch") for folder in (whole, small)]
    vectors = [encoder.encode_queries([TEXT, "the river"]) for encoder in encoders]
    assert np.allclose(*vectors, atol=1e-6)
    assert {"tower", "moon"} <= tokenizer_of(small).get_vocab().keys()
    assert "louvre" not in tokenizer_of(small).get_vocab()


def test_a_transformer_in_a_folder_of_its_own(text, tmp_path):
    whole = tiny.make_encoder(tmp_path / "whole")
    inner = whole / "0_Transformer"
    inner.mkdir()
    for path in list(whole.iterdir()):
        if path.is_file() and path.name != "modules.json" and not path.name.startswith("config_sentence"):
            path.rename(inner / path.name)
    modules = json.loads((whole / "modules.json").read_text())
    modules[0]["path"] = "0_Transformer"
    (whole / "modules.json").write_text(json.dumps(modules))
    done = trim(str(whole), [text], tmp_path / "small")
    assert done.bytes_after < done.bytes_before
    assert (tmp_path / "small" / "0_Transformer" / "config.json").exists()
    vectors = [
        Encoder.load(folder, "cpu", backend="torch").encode_queries([TEXT]) for folder in (whole, tmp_path / "small")
    ]
    assert np.allclose(*vectors, atol=1e-6)


def test_each_weight_keeps_its_precision_and_none_is_made_up(tiny_base, text, tmp_path):
    whole = tmp_path / "whole"
    whole.mkdir()
    for path in tiny_base.iterdir():
        (whole / path.name).write_bytes(path.read_bytes())
    state = {name: one for name, one in load_file(whole / "model.safetensors").items() if "pooler" not in name}
    state["embeddings.word_embeddings.weight"] = state["embeddings.word_embeddings.weight"].half()
    save_file(state, whole / "model.safetensors", metadata={"format": "pt"})
    trim(str(whole), [text], tmp_path / "small")
    found = load_file(tmp_path / "small" / "model.safetensors")
    assert found.keys() == state.keys()
    assert {name: one.dtype for name, one in found.items()} == {name: one.dtype for name, one in state.items()}
    same = [name for name in state if "word_embeddings" not in name]
    assert all(torch.equal(found[name], state[name]) for name in same)


def test_words_that_a_hyphen_divides_are_kept_as_they_are_read(tiny_base, tmp_path):
    (tmp_path / "text.txt").write_text("The tower was built by an engi-\nneer in Pa\u00adris.")
    trim(str(tiny_base), [tmp_path / "text.txt"], tmp_path / "small")
    before, after = tokenizer_of(tiny_base), tokenizer_of(tmp_path / "small")
    read = "The tower was built by an engineer in Paris."
    assert "engineer" in before.tokenize(read) and after.tokenize(read) == before.tokenize(read)


def test_a_sentence_that_begins_a_passage_is_read_as_before(tmp_path):
    """By byte-level BPE, to which a word without a space before it is another one than with it."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=kinds.SPECIAL,
        initial_alphabet=made.pre_tokenizer.alphabet(),
        show_progress=False,
    )
    made.train_from_iterator(
        ["the Visitors and Victor and Vienna and Verdi", "Visitors come", "Vast is it"] * 20, trainer
    )
    whole = kinds.wrapped(made)
    model = transformers.BertConfig(vocab_size=len(whole), hidden_size=8, num_hidden_layers=1, num_attention_heads=1)
    transformers.BertModel(model).save_pretrained(tmp_path / "whole")
    whole.save_pretrained(tmp_path / "whole")
    (tmp_path / "text.txt").write_text("Vienna and Verdi come. Visitors come. Vienna is vast.")
    trim(str(tmp_path / "whole"), [tmp_path / "text.txt"], tmp_path / "small")
    after = tokenizer_of(tmp_path / "small")
    assert whole.tokenize("Visitors come. Vienna")[0] == "Visitors" == after.tokenize("Visitors come. Vienna")[0]


def test_what_was_fitted_for_a_reader_stays_behind(tiny_reader, text, tmp_path):
    shutil.copytree(tiny_reader, tmp_path / "whole")
    (tmp_path / "whole" / "ranking.json").write_text("{}")
    told: list[str] = []
    trim(str(tmp_path / "whole"), [text], tmp_path / "small", note=told.append)
    assert not (tmp_path / "small" / "ranking.json").exists()
    assert any("ranking.json" in one and "odqa tune" in one for one in told)


def test_of_questions_and_headings_the_tokens_are_kept_too(tiny_reader, tmp_path):
    squad = {
        "data": [
            {
                "title": "Louvre",
                "paragraphs": [
                    {
                        "context": TEXT,
                        "headings": ["Vacation"],
                        "qas": [
                            {"id": "1", "question": "who approves remote work", "answers": [], "is_impossible": True}
                        ],
                    }
                ],
            }
        ]
    }
    (tmp_path / "squad.json").write_text(json.dumps(squad))
    done = trim(str(tiny_reader), [tmp_path / "squad.json"], tmp_path / "small")
    kept = tokenizer_of(tmp_path / "small").get_vocab()
    assert {"louvre", "vacation", "approves", "remote", "capital"} <= kept.keys()
    assert "museum" not in kept
    assert done.texts == 3 and list(done.files) == [str(tmp_path / "squad.json")]
    record = json.loads((tmp_path / "small" / RECORD_FILE).read_text())
    assert record["tokens_after"] == len(kept) and record["changed"] == 0


def test_nothing_is_written_where_something_is_wrong(tiny_reader, text, tmp_path, monkeypatch):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    (tmp_path / "noise.txt").write_bytes(bytes(range(256)) * 8)
    before = snapshot(tmp_path)
    for error, said, model, paths, output in (
        (UsageError, "is there already; give a new folder", tiny_reader, [text], tmp_path / "full"),
        (UsageError, "is there already", tiny_reader, [text], text),
        (UsageError, "inside of the model's own folder", tiny_reader, [text], tiny_reader / "small"),
        (UsageError, "no such file or folder", tiny_reader, [tmp_path / "gone"], tmp_path / "small"),
        (DataError, "no text in what --texts names", tiny_reader, [tmp_path / "noise.txt"], tmp_path / "small"),
        (ModelError, "no config.json", tmp_path / "full", [text], tmp_path / "small"),
    ):
        with pytest.raises(error, match=said):
            trim(str(model), paths, output)
        assert snapshot(tmp_path) == before
    monkeypatch.setattr("odqa.trimming.trim.write_json", _full)
    with pytest.raises(Exception, match="No space left on device"):
        trim(str(tiny_reader), [text], tmp_path / "small")
    assert snapshot(tmp_path) == before
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def _full(*_: object) -> None:
    raise OSError(28, "No space left on device")


def test_a_model_that_does_not_fit_is_refused(text, tmp_path):
    reader = tiny.make_reader(tmp_path / "reader")
    kinds.wrapped(kinds.make("byte-level")).save_pretrained(tmp_path / "reader")
    with pytest.raises(ModelError, match=r"its tokenizer has 420 tokens, its model embeddings of 1\d\d;"):
        trim(str(reader), [text], tmp_path / "small")
    config = transformers.BartConfig(
        vocab_size=301, d_model=16, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=16, decoder_ffn_dim=16, max_position_embeddings=64,
    )  # fmt: skip
    transformers.BartForConditionalGeneration(config).save_pretrained(tmp_path / "bart")
    kinds.wrapped(kinds.make("unigram")).save_pretrained(tmp_path / "bart")
    with pytest.raises(ModelError, match=r"weights by token .*final_logits_bias"):
        trim(str(tmp_path / "bart"), [text], tmp_path / "small")
