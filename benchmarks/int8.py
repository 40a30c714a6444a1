"""Do 8-bit integers pay where a processor does not multiply bfloat16? Makes such graphs, and measures them there.

    pip install nncf==3.4.0  # Not a dependency of the project, and needed only where a graph is made.
    python benchmarks/int8.py --model reader --data ../shared/data --isa AVX2
    python benchmarks/int8.py --model encoder --data ../shared/data --isa AVX2

NNCF makes 8-bit graphs of OpenVINO's graphs of the default models, by the recipes that are named, calibrated on
questions and paragraphs of SQuAD v2's training part; they are kept in ``--work``. Each is run beside float32
on questions of ``--file``: those of SQuAD v1's other articles, by which a recipe may be chosen, or of SQuAD v2 dev, by
which the chosen one is judged. A reader reads each question with its own paragraph; an encoder seeks it among the
passages of the file and others of the training part. Differences of scores are paired, with their 95 % intervals.

``--isa`` makes the processor seem one that knows nothing beyond AVX2 (Intel's of 2013 to 2020, AMD's of 2017 to 2021),
AVX2_VNNI (Intel's since the end of 2021, other than servers), AVX512_CORE (Intel's Xeon of 2017) or AVX512_CORE_VNNI
(Intel's of 2019 to 2021). OpenVINO has switches for that (ONEDNN_MAX_CPU_ISA and OV_CPU_MAX_ISA), but not all that is
in it looks at them, so what the processor says of itself is changed, by `older_processor.c`, for which a C compiler and
Linux are needed. That it worked is to be seen in what is printed: among the capabilities is no BF16, and no kernel has
a later name.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

ISAS = ("AVX2", "AVX2_VNNI", "AVX512_CORE", "AVX512_CORE_VNNI")
TRAIN, OTHERS = "squad_v2/train-slices.json", "squad_v1/dev-v1.1-other-articles.json"
SAMPLES = 300  # That are calibrated on.
AT_ONCE = 4  # Rows of which the speed is measured: some hundred tokens, as in a batch of one stream.
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

    def load(folder: Path) -> Any:
        if model == "reader":
            from odqa.reader.graph import make
        else:
            from odqa.retrieval.sentence_model import make
        return make(folder)

    return export.graph_of(resolve(DEFAULT_READER if model == "reader" else DEFAULT_ENCODER), model, load)


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
    """Write the model's graph: products and embeddings in 8 bits, normalisation, softmax and logits in float32."""
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
    """So many of a SQuAD file's questions, drawn once for all runs."""
    from odqa.squad import load_examples

    everything = load_examples(path)
    return [everything[at] for at in np.random.default_rng(seed).permutation(len(everything))[:count]]


def alone(files: dict[str, Path], inputs: dict[str, Any]) -> Iterator[str]:
    """How fast each graph is on one thread, in CPU time, which other work hardly moves; the lines of a table."""
    from odqa.runtime import openvino_library

    settings = {"PERF_COUNT": True, "INFERENCE_PRECISION_HINT": "f32", "NUM_STREAMS": 1, "INFERENCE_NUM_THREADS": 1}
    rows, width = inputs["input_ids"].shape
    yield f"{rows} rows of {width} tokens at once, padding counted\n"
    yield "| | rows a second of CPU time | times float32 | MB | kernels, by their share of the time |"
    yield "|---|---|---|---|---|"
    rates = {}
    for name, file in files.items():
        request = openvino_library.core().compile_model(file, "CPU", settings).create_infer_request()
        seconds = []
        for _ in range(6):
            began = time.process_time()
            request.infer(inputs)
            seconds.append(time.process_time() - began)
        spent: Counter[str] = Counter()
        for one in request.get_profiling_info():
            spent[f"{one.node_type} {one.exec_type}"] += one.real_time.total_seconds()
        shares = (f"{kernel} {part / spent.total():.0%}" for kernel, part in spent.most_common(4))
        rates[name] = rows / min(seconds[1:])  # The first includes the making of the kernels.
        megabytes = (file.stat().st_size + file.with_suffix(".bin").stat().st_size) / 1e6
        ratio = rates[name] / rates["float32"]
        yield f"| {name} | {rates[name]:.1f} | {ratio:.2f} | {megabytes:.0f} | {', '.join(shares)} |"


def difference(scores: Sequence[float], exact: Sequence[float]) -> str:
    """The mean of scores from 0 to 1, in points, and how far it is from the exact ones', with its interval."""
    from odqa.evaluation.bootstrap import confidence_interval

    apart = 100 * (np.asarray(scores, float) - np.asarray(exact, float))
    low, high = confidence_interval(apart)
    return f"{100 * np.mean(scores):.2f} | {apart.mean():+.2f} ({low:+.2f} to {high:+.2f})"


def read(files: dict[str, Path], given: argparse.Namespace) -> Iterator[str]:
    """Read the questions by each graph; the tables' lines."""
    from odqa.corpus.blocks import context_of_example
    from odqa.models import DEFAULT_READER, resolve
    from odqa.reader.features import pad, windows
    from odqa.reader.model import Reader, read_settings
    from odqa.runtime.openvino_network import OpenVinoNetwork

    examples = drawn(given.data / given.file, given.questions or AT_ONCE, seed=1)
    asked, contexts = [one.question for one in examples], [context_of_example(one) for one in examples]
    tokenizer, settings = graph_of("reader").tokenizer, read_settings(resolve(DEFAULT_READER).folder)
    some = windows(tokenizer, asked[:AT_ONCE], contexts[:AT_ONCE], max_length=384, stride=128)
    yield from alone(files, pad(tokenizer, list(some)))
    if not given.questions:
        return

    from reading import beside

    from odqa.answering.fit_file import reader_rule
    from odqa.evaluation.cases import in_context
    from odqa.evaluation.reader import evaluate_cases

    yield f"\n{len(examples):,} questions of {given.file}\n"
    yield "| | same best span | same decision | mean distance of span - null | ROUGE-1 F1 | difference |"
    yield "|---|---|---|---|---|---|"
    found, scores = {}, {}
    for name, file in files.items():
        reader = Reader(OpenVinoNetwork(file, "float32"), tokenizer, name=name, **settings)
        found[name] = reader.read(asked, contexts)
        judged = evaluate_cases(in_context(examples, found[name]), reader_rule(reader)).judgements
        scores[name] = [one.given.rouge1_f1 for one in judged]
        same, decided, distance = beside(found["float32"], found[name], reader.no_answer_threshold)
        apart = difference(scores[name], scores["float32"])
        yield f"| {name} | {same:.3f} | {decided:.3f} | {distance:.3f} | {apart} |"


def seek(files: dict[str, Path], given: argparse.Namespace) -> Iterator[str]:
    """Encode passages and seek the questions among them by each graph; the tables' lines."""
    from odqa.retrieval.embedders import Facts, GraphEmbedder, prepare

    graph = graph_of("encoder")
    texts = [one.context for one in drawn(given.data / given.file, AT_ONCE, seed=1)]
    yield from alone(files, prepare(graph.tokenizer, Facts(**graph.about), texts, "document"))
    if not given.questions:
        return

    from encoding import load, places

    from odqa.models import DEFAULT_ENCODER
    from odqa.retrieval.encoder import Encoder
    from odqa.runtime.openvino_network import OpenVinoNetwork

    encoders = {}
    for name, file in files.items():
        embedder = GraphEmbedder(graph, "float32")
        embedder._network = OpenVinoNetwork(file, "float32")
        encoders[name] = Encoder(embedder, DEFAULT_ENCODER, name)
    passages, questions, gold = load(given.data / given.file, encoders["float32"], 0)
    passages += load(given.data / TRAIN, encoders["float32"], MORE)[0]
    rows = np.random.default_rng(1).permutation(len(questions))[: given.questions]
    wanted = [gold[row] for row in rows]
    yield f"\n{len(passages):,} passages, {len(rows):,} questions of {given.file}\n"
    yield "| | cosine, mean | least | recall@5 | difference |"
    yield "|---|---|---|---|---|"
    found, vectors = {}, {}
    for name, encoder in encoders.items():
        vectors[name] = encoder.encode_passages(passages)
        queries = encoder.encode_queries([questions[row] for row in rows])
        found[name] = [place <= 5 for place in places(vectors[name], queries, wanted)]
        cosines = (vectors[name] * vectors["float32"]).sum(axis=1)
        apart = difference(found[name], found["float32"])
        yield f"| {name} | {cosines.mean():.4f} | {cosines.min():.4f} | {apart} |"


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
    parser.add_argument("--questions", type=int, default=1000, help="0: the speed alone")
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
