"""Do 8-bit integers pay where a processor does not multiply bfloat16? Makes such graphs, and measures them there.

    pip install nncf==3.4.0  # Not a dependency of the project, and needed only where a graph is made.
    python benchmarks/int8.py --model reader --data ../shared/data --isa AVX2
    python benchmarks/int8.py --model encoder --data ../shared/data --isa AVX2

NNCF makes 8-bit graphs of OpenVINO's graphs of the default models, by the recipes that are named, calibrated on
questions and paragraphs of SQuAD v2's training part; they are kept in ``--work``. Each is run beside float32, in turn,
on questions of ``--file``: those of SQuAD v1's other articles, by which a recipe may be chosen, or of SQuAD v2 dev, by
which the chosen one is judged. A reader reads each question with its own paragraph; an encoder seeks it among the
passages of the file and others of the training part. Differences of scores are paired, with their 95 % intervals.

``--isa`` makes the processor seem one that knows nothing beyond AVX2 (Intel's of 2013 to 2020, AMD's of 2017 to 2021),
AVX2_VNNI (Intel's for laptops since 2021), AVX512_CORE (Intel's Xeon of 2017) or AVX512_CORE_VNNI (Intel's of 2019 to
2021). OpenVINO has switches for that (ONEDNN_MAX_CPU_ISA and OV_CPU_MAX_ISA), but not all that is in it looks at them,
so what the processor says of itself is changed, by `older_processor.c`, for which a C compiler and Linux are needed.
That it worked is to be seen in what is printed: among the capabilities is no BF16, and no kernel has a later name.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

ISAS = ("AVX2", "AVX2_VNNI", "AVX512_CORE", "AVX512_CORE_VNNI")
TRAIN, OTHERS = "squad_v2/train-slices.json", "squad_v1/dev-v1.1-other-articles.json"
SAMPLES = 300  # That are calibrated on.
MORE = 2000  # Paragraphs of the training part among which an encoder seeks, too.
ATTENTION = r".*ScaledDotProductAttention.*"
# What else stays in float32 by each recipe, the names of operations as regular expressions; and how much of the
# activations' range is moved into the weights, from 0 to 1 (Xiao et al. 2023, SmoothQuant's alpha; NNCF's is 0.95).
RECIPES: dict[str, tuple[list[str], float]] = {
    "all": ([], 0.95),
    "products": ([ATTENTION], 0.95),
    "products-smooth": ([ATTENTION], 0.5),
}


def graph_of(model: str) -> Any:
    """The product's own graph of the default reader or encoder, in float32."""
    from odqa.models import DEFAULT_ENCODER, DEFAULT_READER, resolve
    from odqa.runtime import export

    if model == "reader":
        from odqa.reader.graph import make

        return export.graph_of(resolve(DEFAULT_READER), model, make)
    from odqa.retrieval.sentence_model import make as make_encoder

    return export.graph_of(resolve(DEFAULT_ENCODER), model, make_encoder)


def samples(model: str, graph: Any, data: Path) -> list[dict[str, Any]]:
    """Inputs to calibrate on, a row each; for an encoder three passages for each question."""
    from odqa.corpus.blocks import context_of_example
    from odqa.reader.features import pad, windows
    from odqa.retrieval.embedders import Facts, prepare

    examples = drawn(data / TRAIN, SAMPLES, seed=0)
    if model == "reader":
        asked, contexts = [one.question for one in examples], [context_of_example(one) for one in examples]
        cut = windows(graph.tokenizer, asked, contexts, max_length=384, stride=128)
        return [pad(graph.tokenizer, [window]) for window in cut]
    facts = Facts(**graph.about)
    return [
        prepare(graph.tokenizer, facts, [f"{one.title.replace('_', ' ')}. {one.context}"], "document")
        if at % 4
        else prepare(graph.tokenizer, facts, [one.question], "query")
        for at, one in enumerate(examples)
    ]


def quantise(model: str, recipe: str, data: Path, target: Path) -> None:
    """Write the model's graph in 8 bits; the embeddings, which are no products, stay in float32."""
    import nncf
    from nncf.quantization.advanced_parameters import AdvancedQuantizationParameters, AdvancedSmoothQuantParameters

    from odqa.runtime import openvino_library

    graph, (kept, alpha) = graph_of(model), RECIPES[recipe]
    rows = samples(model, graph, data)
    made = nncf.quantize(
        openvino_library.core().read_model(graph.file),
        nncf.Dataset(rows),
        subset_size=len(rows),
        model_type=nncf.ModelType.TRANSFORMER,
        preset=nncf.QuantizationPreset.MIXED,
        ignored_scope=nncf.IgnoredScope(patterns=kept),
        advanced_parameters=AdvancedQuantizationParameters(
            smooth_quant_alphas=AdvancedSmoothQuantParameters(matmul=alpha)
        ),
    )
    openvino_library.load().save_model(made, target, compress_to_fp16=False)


def drawn(path: Path, count: int, seed: int) -> list[Any]:
    """So many of a SQuAD file's questions (0 for all), drawn once for all runs."""
    from odqa.squad import load_examples

    everything = load_examples(path)
    return [everything[at] for at in np.random.default_rng(seed).permutation(len(everything))[: count or None]]


def take_turns(ways: dict[str, Callable[[], Any]], rounds: int) -> tuple[dict[str, list[float]], dict[str, Any]]:
    """The seconds that each way takes in each round, and what it gives."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    found = {}
    for _ in range(rounds):
        for name, run in ways.items():
            began = time.perf_counter()
            found[name] = run()
            seconds[name].append(time.perf_counter() - began)
    return seconds, found


def kernels(file: Path, inputs: dict[str, Any]) -> str:
    """The kernels that take most of a graph's time on one thread, with their shares."""
    from odqa.runtime import openvino_library

    settings = {"PERF_COUNT": True, "INFERENCE_PRECISION_HINT": "f32", "NUM_STREAMS": 1, "INFERENCE_NUM_THREADS": 1}
    request = openvino_library.core().compile_model(file, "CPU", settings).create_infer_request()
    for _ in range(2):  # The first time includes their making.
        request.infer(inputs)
    spent: Counter[str] = Counter()
    for one in request.get_profiling_info():
        spent[f"{one.node_type} {one.exec_type}"] += one.real_time.total_seconds()
    whole = sum(spent.values())
    return ", ".join(f"{name} {part / whole:.0%}" for name, part in spent.most_common(5))


def difference(scores: Sequence[float], exact: Sequence[float]) -> str:
    """The mean of scores from 0 to 1, in points, and how far it is from the exact ones', with its interval."""
    from odqa.evaluation.bootstrap import confidence_interval

    apart = 100 * (np.asarray(scores, float) - np.asarray(exact, float))
    low, high = confidence_interval(apart)
    return f"{100 * np.mean(scores):.2f} | {apart.mean():+.2f} ({low:+.2f} to {high:+.2f})"


def read(files: dict[str, Path], given: argparse.Namespace) -> Iterator[str]:
    """Read the questions by each graph; the table's rows."""
    from reading import beside

    from odqa.answering.fit_file import reader_rule
    from odqa.corpus.blocks import context_of_example
    from odqa.evaluation.cases import in_context
    from odqa.evaluation.reader import evaluate_cases
    from odqa.models import DEFAULT_READER, resolve
    from odqa.reader.features import pad, windows
    from odqa.reader.model import Reader, read_settings
    from odqa.runtime.openvino_network import OpenVinoNetwork

    examples = drawn(given.data / given.file, given.questions, seed=1)
    asked, contexts = [one.question for one in examples], [context_of_example(one) for one in examples]
    tokenizer, settings = graph_of("reader").tokenizer, read_settings(resolve(DEFAULT_READER).folder)
    readers = {
        name: Reader(OpenVinoNetwork(file, "float32"), tokenizer, name=name, **settings) for name, file in files.items()
    }
    some = pad(tokenizer, list(windows(tokenizer, asked[:16], contexts[:16], max_length=384, stride=128)))
    for name, file in files.items():
        yield f"{name}: {kernels(file, some)}"
    ways = {name: lambda own=reader: own.read(asked, contexts) for name, reader in readers.items()}
    seconds, found = take_turns(ways, given.rounds)
    count = sum(reading.windows for reading in found["float32"])
    scores = {}
    yield f"\n{len(examples):,} questions, {count:,} windows\n"
    yield "| | windows/s | times float32 | MB | same best span | same decision | ROUGE-1 F1 | difference |"
    yield "|---" * 8 + "|"
    for name, reader in readers.items():
        judged = evaluate_cases(in_context(examples, found[name]), reader_rule(reader)).judgements
        scores[name] = [one.given.rouge1_f1 for one in judged]
        same, decided, _ = beside(found["float32"], found[name], reader.no_answer_threshold)
        yield (
            f"| {name} | {speed(count, seconds, name)} | {size(files[name])} | {same:.3f} | {decided:.3f} | "
            f"{difference(scores[name], scores['float32'])} |"
        )


def seek(files: dict[str, Path], given: argparse.Namespace) -> Iterator[str]:
    """Encode passages and seek the questions among them by each graph; the table's rows."""
    from encoding import load, places

    from odqa.models import DEFAULT_ENCODER
    from odqa.retrieval.embedders import GraphEmbedder, prepare
    from odqa.retrieval.encoder import Encoder
    from odqa.runtime.openvino_network import OpenVinoNetwork

    graph, encoders = graph_of("encoder"), {}
    for name, file in files.items():
        embedder = GraphEmbedder(graph, "float32")
        embedder._network = OpenVinoNetwork(file, "float32")
        encoders[name] = Encoder(embedder, DEFAULT_ENCODER, name)
    passages, questions, gold = load(given.data / given.file, encoders["float32"], 0)
    passages += load(given.data / TRAIN, encoders["float32"], MORE)[0]
    rows = np.random.default_rng(1).permutation(len(questions))[: given.questions or None]
    asked, wanted = [questions[row] for row in rows], [gold[row] for row in rows]
    some = prepare(graph.tokenizer, embedder.facts, [passage.text for passage in passages[:16]], "document")
    for name, file in files.items():
        yield f"{name}: {kernels(file, some)}"
    ways = {name: lambda own=encoder: own.encode_passages(passages) for name, encoder in encoders.items()}
    seconds, vectors = take_turns(ways, given.rounds)
    found = {}
    yield f"\n{len(passages):,} passages, {len(asked):,} questions\n"
    yield "| | passages/s | times float32 | MB | cosine, mean | least | recall@5 | difference |"
    yield "|---" * 8 + "|"
    for name, encoder in encoders.items():
        queries = encoder.encode_queries(asked)
        found[name] = [place <= 5 for place in places(vectors[name], queries, wanted)]
        cosines = (vectors[name] * vectors["float32"]).sum(axis=1)
        yield (
            f"| {name} | {speed(len(passages), seconds, name)} | {size(files[name])} | {cosines.mean():.4f} | "
            f"{cosines.min():.4f} | {difference(found[name], found['float32'])} |"
        )


def speed(count: int, seconds: dict[str, list[float]], name: str) -> str:
    """How many a second, and the median over the rounds of the ratio to float32."""
    ratios = [exact / own for exact, own in zip(seconds["float32"], seconds[name], strict=True)]
    return f"{count / median(seconds[name]):.1f} | {median(ratios):.2f}"


def size(file: Path) -> str:
    """A graph's size in MB, its weights included."""
    return f"{(file.stat().st_size + file.with_suffix('.bin').stat().st_size) / 1e6:.0f}"


def seem(isa: str, work: Path) -> None:
    """Begin anew in a process to which the processor seems to be an older one."""
    library = work.resolve() / "older_processor.so"
    source = Path(__file__).with_name("older_processor.c")
    flags = ["-std=c11", "-D_GNU_SOURCE", "-O2", "-shared", "-fPIC"]
    subprocess.run(["cc", *flags, "-o", library, source], check=True)
    os.execve(
        sys.executable, [sys.executable, *sys.argv], os.environ | {"LD_PRELOAD": str(library), "OLDER_PROCESSOR": isa}
    )


def main() -> None:
    """Make the graphs that are not there yet, then measure them on the processor that was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="the folder of the datasets")
    parser.add_argument("--model", choices=("reader", "encoder"), required=True)
    parser.add_argument("--isa", choices=ISAS, help="the last instructions that the processor knows; all of its own")
    parser.add_argument("--recipes", nargs="*", choices=tuple(RECIPES), default=["products"])
    parser.add_argument("--file", default=OTHERS, help="a SQuAD file in the folder")
    parser.add_argument("--questions", type=int, default=1000, help="0 for all")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--work", type=Path, default=Path("runs/int8"), help="where graphs are kept")
    given = parser.parse_args()

    given.work.mkdir(parents=True, exist_ok=True)
    files = {"float32": graph_of(given.model).file}
    for recipe in given.recipes:
        files[recipe] = given.work / f"{given.model}-{recipe}.xml"
        if not files[recipe].exists():
            quantise(given.model, recipe, given.data, files[recipe])
    if given.isa and "OLDER_PROCESSOR" not in os.environ:
        seem(given.isa, given.work)

    from odqa.runtime import openvino_library

    able = openvino_library.core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    print(f"{given.model}, {given.isa or 'all instructions'}: {' '.join(able)}")
    for line in (read if given.model == "reader" else seek)(files, given):
        print(line, flush=True)


if __name__ == "__main__":
    main()
