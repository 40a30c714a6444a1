"""A model's name and files of texts go in, a folder with the model cut to their tokens comes out, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from odqa import __version__, model_configs
from odqa.answering.fit_file import FILE as FIT
from odqa.answering.fit_file import REMEDY
from odqa.errors import ModelError
from odqa.files import write_json
from odqa.models import content_hash, resolve
from odqa.runtime.tokens import untouched
from odqa.training.names import name_of
from odqa.trimming import embeddings, folder, texts, tokenizer
from odqa.trimming.choice import choose
from odqa.trimming.vocabulary import Vocabulary

RECORD_FILE = "trimming.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trimming:
    """What was done: the model it was done to, what was read, and tokens and bytes before and after.

    ``changed`` is the share of the texts' tokens that are others now, 0 unless rare ones were left out.
    ``changed_elsewhere`` is that share for texts like these: some of them cut by the tokens of the others. None where
    there were too few to tell.
    """

    created: str
    odqa: str
    model: str
    model_sha256: str
    files: dict[str, str]
    texts: int
    characters: int
    unusable: int
    min_frequency: int
    tokens_before: int
    tokens_after: int
    bytes_before: int
    bytes_after: int
    changed: float
    changed_elsewhere: float | None


def trim(
    model: str,
    paths: Sequence[Path],
    output: Path,
    *,
    min_frequency: int = 1,
    text_field: str = "text",
    note: Callable[[str], None] = lambda text: None,
) -> Trimming:
    """Write into the folder ``output`` the model with the tokens alone that the texts use at least so often.

    Special tokens and what every word can be made of are kept too. With a ``min_frequency`` of 1 it cuts the texts into
    the same tokens as before. Raises UsageError where ``output`` holds something or a path is not there, ModelError
    where the model is not one that can be cut, DataError without texts, OdqaError where the disk is full.
    """
    found = resolve(model)
    folder.check_output(output, found.folder)
    files = texts.find(paths)
    model_configs.check(found.folder)
    inner = folder.transformer_folder(found.folder)
    before = tokenizer.load(inner)
    vocabulary = Vocabulary(before.backend_tokenizer, found.name)
    learned, report = embeddings.load(inner)
    if (have := embeddings.rows(learned, found.name)) < len(vocabulary):
        raise ModelError(
            f"{found.name}: its tokenizer has {len(vocabulary):,} tokens, its model embeddings of {have:,}; the two do "
            "not belong together"
        )
    for name in report["unexpected_keys"][:1]:
        note(f"left out weights that {type(learned).__name__} has no place for, such as {name}")
    backend = untouched(before)
    fixed = {number for one in tokenizer.encoded(backend, folder.prompts(found.folder)) for number in one.ids}
    fixed |= {*embeddings.before_padding(learned), *embeddings.tokens_of(learned.config.to_dict())}
    with folder.beside(output) as place:
        # Byte-level BPE has a word with the space before it as one token, and without it as another.
        beginnings = backend.encode("the").ids != backend.encode(" the").ids
        counts = texts.spool(files, text_field, place / "texts.jsonl", note, beginnings=beginnings)
        choice = choose(
            vocabulary, backend, place / "texts.jsonl", fixed & set(vocabulary.numbers.values()), min_frequency
        )
        if min_frequency == 1 and choice.changed:
            raise ModelError(f"{found.name}: with fewer tokens its tokenizer would cut the texts otherwise")
        if (found.folder / FIT).is_file():
            note(f"left out {FIT}, which was fitted for the reader with all its tokens; {REMEDY}")
        fresh = place / "model"
        folder.copy_others(found.folder, inner, fresh)
        fresh_inner = fresh / inner.relative_to(found.folder)
        embeddings.cut(learned, choice.kept)
        embeddings.save(learned, fresh_inner, embeddings.precisions(inner), report["missing_keys"])
        tokenizer.rebuilt(before, vocabulary.cut(choice.kept)).save_pretrained(str(fresh_inner))
        done = Trimming(
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            odqa=__version__,
            model=found.name,
            model_sha256=content_hash(found.folder),
            **asdict(counts),
            min_frequency=min_frequency,
            tokens_before=have,
            tokens_after=len(choice.kept),
            bytes_before=folder.size(inner),
            bytes_after=folder.size(fresh_inner),
            changed=choice.changed,
            changed_elsewhere=choice.changed_elsewhere,
        )
        write_json(fresh / RECORD_FILE, asdict(done))
        folder.add_to_card(fresh, _card(done))
        fresh.replace(output)
    return done


def _card(done: Trimming) -> str:
    """What the model card says: that it is about a model with more tokens."""
    return (
        f"# A smaller vocabulary\n\n`odqa trim-vocabulary` {done.odqa} left {done.tokens_after:,} of the "
        f"{done.tokens_before:,} tokens of `{name_of(done.model)}`: those of {done.texts:,} texts, of which "
        f"`{RECORD_FILE}` names the files. Their embeddings are what they were; a word of other texts may be cut into "
        "more and shorter tokens than the model was trained on.\n"
    )
