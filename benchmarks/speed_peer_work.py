"""Haystack or txtai over given passages, in an environment of its own that has no odqa. A job in JSON goes in.

    ENVIRONMENT/bin/python benchmarks/speed_peer_work.py JOB.json

``build`` encodes the passages and keeps what the library makes of them in a folder; ``ask`` answers questions out of
it, and writes each answer and how long it took. Both peers get the same encoder and reader as local folders, the same
passages, and the title of each in the way the library has for it: Haystack embeds it before the text, txtai knows texts
alone and gets it in front.

- ``haystack``: its embedder, its FAISS store (exact search; its in-memory store would turn all vectors into an array
  again for every question), its TransformersExtractiveReader, which reads all ``k`` passages as one batch.
- ``txtai``: its RAG, once called Extractor, with its Questions. It joins the ``k`` passages and reads one window of
  them: what the model has room for, which is the first two or three. It takes all questions in one call.
- ``txtai-each``: its Questions over each of the ``k`` passages that its search found, one by one; it gives no scores,
  so that the answer is that of the first passage that has one.

Questions fails with a TypeError where the reader finds no answer (its best span is the [CLS] token); that is caught
here, and is no answer.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "False"
os.environ["HF_HUB_OFFLINE"] = "1"

Job = dict[str, Any]


class Peer(Protocol):
    """A library with a store of passages."""

    def __init__(self, job: Job) -> None:
        """Load the models and the store that ``build`` made."""

    @staticmethod
    def build(job: Job, passages: Sequence[dict[str, str]]) -> None:
        """Encode passages and keep them in the folder ``job["store"]``."""

    def ask(self, questions: Sequence[str]) -> list[tuple[str, str]]:
        """Its best answer to each question, forced where it can be, and the answer it gives by itself, or ""."""


class Haystack:
    """See :class:`Peer`."""

    def __init__(self, job: Job) -> None:
        from haystack_integrations.components.embedders.sentence_transformers import SentenceTransformersTextEmbedder
        from haystack_integrations.components.readers.transformers import TransformersExtractiveReader
        from haystack_integrations.components.retrievers.faiss import FAISSEmbeddingRetriever
        from haystack_integrations.document_stores.faiss import FAISSDocumentStore

        store = FAISSDocumentStore(index_path=str(Path(job["store"]) / "store"), embedding_dim=job["dimension"])
        self.embedder = SentenceTransformersTextEmbedder(
            model=job["encoder"], local_files_only=True, progress_bar=False, normalize_embeddings=True
        )
        self.retriever = FAISSEmbeddingRetriever(document_store=store, top_k=job["k"])
        self.reader = TransformersExtractiveReader(model=job["reader"], model_kwargs={"dtype": job["dtype"]})
        self.embedder.warm_up()
        self.reader.warm_up()

    @staticmethod
    def build(job: Job, passages: Sequence[dict[str, str]]) -> None:
        """Encode passages with its defaults."""
        from haystack import Document
        from haystack_integrations.components.embedders.sentence_transformers import (
            SentenceTransformersDocumentEmbedder,
        )
        from haystack_integrations.document_stores.faiss import FAISSDocumentStore

        embedder = SentenceTransformersDocumentEmbedder(
            model=job["encoder"],
            local_files_only=True,
            progress_bar=False,
            normalize_embeddings=True,
            meta_fields_to_embed=["title"],
        )
        embedder.warm_up()
        made = [
            Document(id=passage["id"], content=passage["text"], meta={"title": passage["title"]})
            for passage in passages
        ]
        store = FAISSDocumentStore(embedding_dim=job["dimension"])
        store.write_documents(embedder.run(documents=made)["documents"])
        store.save(Path(job["store"]) / "store")

    def ask(self, questions: Sequence[str]) -> list[tuple[str, str]]:
        """One question after another: it reads no two together."""
        found = []
        for question in questions:
            embedding = self.embedder.run(text=question)["embedding"]
            documents = self.retriever.run(query_embedding=embedding)["documents"]
            answers = self.reader.run(query=question, documents=documents)["answers"]
            found.append((next((one.data for one in answers if one.data), ""), (answers[0].data or "")))
        return found


class Txtai:
    """See :class:`Peer`."""

    def __init__(self, job: Job) -> None:
        from txtai import Embeddings
        from txtai.pipeline import RAG, Questions

        class Lenient(Questions):  # type: ignore[misc]
            def answer(self, *given: Any) -> str | None:
                try:
                    return str(super().answer(*given))
                except TypeError:
                    return None

        self.embeddings = Embeddings()
        self.embeddings.load(job["store"])
        self.k = job["k"]
        self.reader = Lenient(job["reader"], gpu=False, dtype=job["dtype"])
        self.rag = RAG(self.embeddings, self.reader, context=job["k"], output="flatten")

    @staticmethod
    def build(job: Job, passages: Sequence[dict[str, str]]) -> None:
        """Encode passages with its defaults, and keep their texts."""
        from txtai import Embeddings

        embeddings = Embeddings(path=job["encoder"], content=True, gpu=False)
        embeddings.index((one["id"], ". ".join(filter(None, (one["title"], one["text"]))), None) for one in passages)
        embeddings.save(job["store"])

    def ask(self, questions: Sequence[str]) -> list[tuple[str, str]]:
        """All questions in one call."""
        return [(answer or "", answer or "") for answer in self.rag(list(questions))]


class TxtaiEach(Txtai):
    """See :class:`Peer`."""

    def ask(self, questions: Sequence[str]) -> list[tuple[str, str]]:
        """Search for all in one call, read one passage after another."""
        found = []
        for question, hits in zip(questions, self.embeddings.batchsearch(list(questions), self.k), strict=True):
            answers = self.reader([question] * len(hits), [hit["text"] for hit in hits])
            answer = next(filter(None, answers), "")
            found.append((answer, answer))
        return found


PEERS: dict[str, type[Peer]] = {"haystack": Haystack, "txtai": Txtai, "txtai-each": TxtaiEach}


def ask(job: Job) -> dict[str, Any]:
    """The seconds that loading and asking took, and the answers."""
    began = time.perf_counter()
    peer = PEERS[job["peer"]](job)
    loaded = time.perf_counter()
    peer.ask(job["questions"][: job["warm_up"]])
    warm = time.perf_counter()
    answers = peer.ask(job["questions"])
    return {"load": loaded - began, "seconds": time.perf_counter() - warm, "answers": answers}


def build(job: Job) -> dict[str, Any]:
    """The seconds that encoding and writing took."""
    with Path(job["passages"]).open(encoding="utf-8") as lines:
        passages = [json.loads(line) for line in lines]
    Path(job["store"]).mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    PEERS[job["peer"]].build(job, passages)
    return {"seconds": time.perf_counter() - began, "passages": len(passages)}


if __name__ == "__main__":
    given = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    result = {"ask": ask, "build": build}[given["what"]](given)
    Path(given["result"]).write_text(json.dumps(result), encoding="utf-8")
