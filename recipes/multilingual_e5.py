"""Makes what ../shared/tools/convert_e5_small.py wrote an encoder: modules, prompts, and white space as it was.

    python recipes/multilingual_e5.py runs/multilingual-e5-small

The tokenizer there is made anew with NFKC for the original's table of characters, which in addition reads tabs, ends of
lines, invisible signs and the like as spaces, and leaves control characters out. Without that an end of a line is an
unknown token. With it the two are the same for every character up to U+30000 but two, U+FF5E and U+1F23B. Can be run
again.
"""

from __future__ import annotations

import sys
from pathlib import Path

from odqa.errors import UsageError
from odqa.files import read_json, write_json

REMEDY = "run ../shared/tools/convert_e5_small.py again"
SPACES = {"type": "Nmt"}  # What SentencePiece's nmt_nfkc does besides NFKC.
PROMPTS = {"query": "query: ", "passage": "passage: "}  # Wang et al. 2024, section 3.


def main(folder: Path) -> None:
    """Write the files into the folder. Raises UsageError where there is no such model."""
    if not (folder / "tokenizer.json").is_file():
        raise UsageError(f"{folder} has no tokenizer.json; {REMEDY}")
    content = read_json(folder / "tokenizer.json", REMEDY)
    parts = content["normalizer"]["normalizers"]
    content["normalizer"]["normalizers"] = [SPACES, *(one for one in parts if one != SPACES)]
    write_json(folder / "tokenizer.json", content, indent=None)
    config = read_json(folder / "config.json", REMEDY)
    kinds = [("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")]
    modules = [
        {"idx": at, "name": str(at), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for at, (path, kind) in enumerate(kinds)
    ]
    pooling = {"word_embedding_dimension": config["hidden_size"], "pooling_mode_mean_tokens": True}
    for name, value in (
        ("1_Pooling/config.json", pooling),
        ("2_Normalize/config.json", {}),
        ("sentence_bert_config.json", {"max_seq_length": 512, "do_lower_case": False}),
        ("config_sentence_transformers.json", {"prompts": PROMPTS, "similarity_fn_name": "cosine"}),
        ("modules.json", modules),
    ):
        (folder / name).parent.mkdir(exist_ok=True)
        write_json(folder / name, value)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    try:
        main(Path(sys.argv[1]))
    except UsageError as error:
        raise SystemExit(str(error)) from None
