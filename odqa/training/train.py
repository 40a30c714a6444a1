"""The training loop: a recipe in, a reader's folder out. Knows no file format of datasets and no terminal.

Span loss: the mean of the cross entropies of the start and of the end position over the window's tokens
(Devlin et al. 2019, section 4.2), the null position being the label of windows without the answer (section 4.3).
Batches are a pure function of the seed and the epoch and checkpoints hold the random state, so a resumed run ends
with the very weights of an unbroken one.
"""

from __future__ import annotations

import importlib.util
import math
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from odqa.device import pick_device, pick_dtype
from odqa.errors import OdqaError, UsageError
from odqa.evaluation.metrics import position_accuracy
from odqa.evaluation.report import Evaluation, check_examples, evaluate
from odqa.models import resolve
from odqa.reader.model import Reader, load_model
from odqa.training import checkpoint, data, folder
from odqa.training.checkpoint import State
from odqa.training.data import Labelled
from odqa.training.recipe import Recipe, as_dict
from odqa.training.watch import Silent, Watcher, interruptible
from odqa.types import Example


def train(recipe: Recipe, output: Path, watcher: Watcher, *, resume: bool = False, device: str = "auto") -> Path:
    """Train a reader by ``recipe`` into the folder ``output`` and return it.

    Runs on one device, or on several under ``accelerate launch``, whose first process writes the folder. A kill
    loses at most ``recipe.save_every`` steps, Ctrl-C none. Raises UsageError where ``output`` holds something else,
    OdqaError where the loss is not finite or the disk is full.
    """
    _check_output(output, resume=resume)
    if recipe.track and importlib.util.find_spec(recipe.track) is None:
        raise OdqaError(f'--track {recipe.track} needs an extra; run: pip install "odqa[{recipe.track}]"')
    import accelerate
    import torch

    where = pick_device(device)
    precision = str(pick_dtype(recipe.precision, where.type)).removeprefix("torch.")
    if precision == "float16" and where.type == "cpu":
        raise UsageError("training in float16 needs a GPU; use --precision bfloat16 or float32")
    _forget_other_runs(accelerate)
    accelerator = accelerate.Accelerator(
        cpu=where.type == "cpu",
        mixed_precision={"float32": "no", "bfloat16": "bf16", "float16": "fp16"}[precision],
        gradient_accumulation_steps=recipe.accumulate,
        log_with=recipe.track or None,
        project_dir=str(output),
    )
    if not accelerator.is_main_process:
        watcher = Silent()
    accelerate.utils.set_seed(recipe.seed)
    base = resolve(recipe.base)
    # On a CPU the backward pass of fused attention takes longer than that of plain matrix products.
    attention = "eager" if where.type == "cpu" else None
    model, tokenizer = load_model(base.folder, head_required=False, attention=attention)
    set_dropout(model, recipe.dropout)
    max_length = min(recipe.max_length, tokenizer.model_max_length)

    examples, repairs = data.gather(recipe.train, recipe.seed, plausible=recipe.plausible_answers)
    evaluated, tuning = (data.gather(sources, recipe.seed)[0] for sources in (recipe.eval, recipe.tune))
    for sources, some in ((recipe.eval, evaluated), (recipe.tune, tuning)):
        if some:  # What cannot be scored is refused before the training, not after it.
            check_examples(some, ", ".join(source.path for source in sources))
    labelled = list(data.label(tokenizer, examples, max_length, recipe.stride))
    answerable = sum(example.answerable for example in examples)
    watcher.note(
        f"{len(examples):,} questions ({answerable:,} answerable; offsets: {repairs.repaired:,} repaired, "
        f"{repairs.dropped:,} questions dropped), {len(labelled):,} windows"
    )

    optimizer = torch.optim.AdamW(_decay_split(model, recipe.weight_decay), lr=recipe.learning_rate)
    model, optimizer = accelerator.prepare(model, optimizer)
    state = State(recipe=as_dict(recipe))
    found = checkpoint.find(output) if resume else None
    if not found:
        checkpoint.remove(output)
    else:
        state = checkpoint.load_state(found, as_dict(recipe))
        accelerator.load_state(str(found))
        watcher.note(f"resumed at step {state.step:,} (epoch {state.epoch + 1})")
    if recipe.track:
        accelerator.init_trackers(
            "odqa", config={k: v for k, v in as_dict(recipe).items() if isinstance(v, int | float)}
        )

    run = _Run(recipe, output, accelerator, model, optimizer, tokenizer, labelled, state, watcher)
    with interruptible() as interrupted:
        for epoch in range(state.epoch, recipe.epochs):
            run.epoch(epoch, interrupted)
            if evaluated:
                run.evaluate(epoch, evaluated)
            state.epoch, state.batch = epoch + 1, 0
            run.save()
            if run.stopped(interrupted):
                raise KeyboardInterrupt
    accelerator.end_training()
    if accelerator.is_main_process:
        final = run.final_model()
        threshold, tuned = _tune(recipe, final, tokenizer, base.name, tuning)
        finished = folder.Finished(recipe, base.name, state, repairs, len(examples), answerable, threshold, tuned)
        with _room_for(output):
            folder.write(output, final, tokenizer, finished)
        checkpoint.remove(output)
    return output


class _Run:
    """The state of the loop: model, optimiser and place in the data."""

    def __init__(
        self,
        recipe: Recipe,
        output: Path,
        accelerator: Any,
        model: Any,
        optimizer: Any,
        tokenizer: Any,
        labelled: Sequence[Labelled],
        state: State,
        watcher: Watcher,
    ) -> None:
        self.recipe, self.output, self.accelerator = recipe, output, accelerator
        self.model, self.optimizer, self.tokenizer = model, optimizer, tokenizer
        self.labelled, self.state, self.watcher = labelled, state, watcher
        lengths = [item.window.length for item in labelled]
        self.orders = [
            data.epoch_order(lengths, recipe.batch_size, recipe.seed, epoch, group=recipe.group_by_length)
            for epoch in range(recipe.epochs)
        ]
        batches_each = [math.ceil(len(order) / accelerator.num_processes) for order in self.orders]
        self.total_steps = sum(math.ceil(batches / recipe.accumulate) for batches in batches_each)

    def epoch(self, epoch: int, interrupted: Sequence[bool]) -> None:
        """Train on the batches of one epoch that are still to come."""
        import torch

        accelerator, recipe, state = self.accelerator, self.recipe, self.state
        loader = accelerator.prepare(
            torch.utils.data.DataLoader(
                self.labelled,  # type: ignore[arg-type]
                batch_sampler=self.orders[epoch][state.batch :],
                collate_fn=self._collate,
                # Its own generator: it would draw from the one of dropout, once more in a resumed run.
                generator=torch.Generator(),
            )
        )
        self.model.train()
        recent: list[float] = []
        for batch in loader:
            began = time.perf_counter()
            for group in self.optimizer.param_groups:
                group["lr"] = learning_rate(state.step, self.total_steps, recipe)
            with accelerator.accumulate(self.model):
                loss = self.model(**batch).loss
                accelerator.backward(loss)
                if accelerator.sync_gradients:
                    accelerator.clip_grad_norm_(self.model.parameters(), recipe.max_gradient_norm)
                self.optimizer.step()
                self.optimizer.zero_grad()
            recent.append(self._finite(loss.item()))
            state.batch += accelerator.num_processes
            state.windows += len(batch["input_ids"]) * accelerator.num_processes
            state.seconds += time.perf_counter() - began
            if not accelerator.sync_gradients:
                continue
            state.step += 1
            mean = sum(recent[-50 * recipe.accumulate :]) / len(recent[-50 * recipe.accumulate :])
            self.watcher.step(state.step, self.total_steps, mean, state.windows / state.seconds)
            if recipe.track:
                accelerator.log({"loss": mean, "learning_rate": group["lr"]}, step=state.step)
            if state.step % 100 == 0:
                state.losses.append((state.step, round(mean, 4)))
            if self.stopped(interrupted):
                self.save()
                raise KeyboardInterrupt
            if state.step % recipe.save_every == 0:
                self.save()

    def evaluate(self, epoch: int, examples: Sequence[Example]) -> None:
        """Score the model after an epoch; the best one so far is kept aside."""
        accelerator, state = self.accelerator, self.state
        if not accelerator.is_main_process:
            return
        model = accelerator.unwrap_model(self.model).eval()
        metrics = epoch_metrics(
            evaluate(examples, _as_reader(model, self.tokenizer, self.recipe, "training")), examples
        )
        best = max((item["f1"] for item in state.evaluations), default=-1.0)
        state.evaluations.append({"epoch": epoch + 1, **metrics})
        if metrics["f1"] > best and self.recipe.keep == "best":
            with _room_for(self.output):
                model.save_pretrained(self.output / "best")
        self.watcher.evaluated(epoch + 1, metrics)
        if self.recipe.track:
            accelerator.log({f"eval/{name}": value for name, value in metrics.items()}, step=state.step)

    def save(self) -> None:
        """Write a checkpoint: the first process everything, the others their random states."""
        if self.accelerator.is_main_process:
            checkpoint.save(self.output, self.state, self._write_state)
        else:
            self._write_state(self.output / checkpoint.FRESH)
        self.accelerator.wait_for_everyone()

    def stopped(self, interrupted: Sequence[bool]) -> bool:
        """Whether any of the processes was asked to stop."""
        if self.accelerator.num_processes == 1:
            return bool(interrupted)
        if interrupted:
            self.accelerator.set_trigger()
        return bool(self.accelerator.check_trigger())

    def final_model(self) -> Any:
        """The best evaluated model, or the last one where none was evaluated or the last is asked for."""
        model, best = self.accelerator.unwrap_model(self.model), self.output / "best"
        if self.recipe.keep == "best" and best.is_dir():
            import torch
            import transformers

            found = transformers.AutoModelForQuestionAnswering.from_pretrained(str(best), dtype=torch.float32)
            model.load_state_dict(found.state_dict())
        return model.eval()

    def _write_state(self, path: Path) -> None:
        self.accelerator.wait_for_everyone()  # The first process has made the folder.
        self.accelerator.save_state(str(path))
        self.accelerator.wait_for_everyone()  # All have written into it before it gets its name.

    def _collate(self, some: Sequence[Labelled]) -> dict[str, Any]:
        import torch

        return {name: torch.from_numpy(values) for name, values in data.collate(self.tokenizer, some).items()}

    def _finite(self, loss: float) -> float:
        if not math.isfinite(loss):
            kept = checkpoint.find(self.output)
            remedy = f"the checkpoint {kept} is kept" if kept else "no checkpoint had been written yet"
            raise OdqaError(
                f"the loss is {loss} at step {self.state.step + 1}; {remedy}. Lower the learning rate "
                f"({self.recipe.learning_rate}) or use --precision float32"
            )
        return loss


def learning_rate(step: int, total: int, recipe: Recipe) -> float:
    """The rate of a step (from 0): a linear rise over the warm-up's share, then a linear fall to 0."""
    rise = recipe.warmup * total
    if step < rise:
        return recipe.learning_rate * (step + 1) / (rise + 1)
    return recipe.learning_rate * (total - step) / max(total - rise, 1)


def epoch_metrics(found: Evaluation, examples: Sequence[Example]) -> dict[str, float]:
    """EM, F1, ROUGE-1 F1, forced ROUGE-1 F1, best-threshold F1 and position accuracies, by name."""
    report = found.report
    places = position_accuracy(found.spans, {example.id: example.references for example in examples})
    named = {
        "exact_match": report["exact_match"],
        "f1": report["f1"],
        "rouge1_f1": report["rouge1_f1"],
        "rouge1_f1_answerable_forced": report["rouge1_f1_answerable_forced"],
        "best_threshold_f1": report["best_threshold"]["f1"],
        "start_accuracy": places.start,
        "end_accuracy": places.end,
    }
    return {name: round(value, 6) for name, value in named.items() if value is not None}


def set_dropout(model: Any, share: float) -> None:
    """Set every dropout of the model; a share below 0 leaves the model's own."""
    import torch

    if share < 0:
        return
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = share
        elif isinstance(getattr(module, "attention_dropout", None), float):
            module.attention_dropout = share


def _as_reader(model: Any, tokenizer: Any, recipe: Recipe, name: str) -> Reader:
    return Reader(
        model, tokenizer, name=name, max_length=recipe.max_length, stride=recipe.stride, dtype=recipe.precision
    )


def _tune(
    recipe: Recipe, model: Any, tokenizer: Any, name: str, examples: Sequence[Example]
) -> tuple[float, dict[str, float]]:
    """The no-answer threshold that gives the best F1 on the recipe's tuning data, and the metrics there."""
    if not examples:
        return 0.0, {}
    found = evaluate(examples, _as_reader(model, tokenizer, recipe, name))
    threshold = found.report["best_threshold"]["threshold"]
    return -threshold if threshold is not None else 0.0, epoch_metrics(found, examples)


def _decay_split(model: Any, weight_decay: float) -> list[dict[str, Any]]:
    """Weight decay for matrices alone: biases and the weights of normalisation layers have one dimension."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return [
        {"params": [parameter for parameter in trained if parameter.ndim > 1], "weight_decay": weight_decay},
        {"params": [parameter for parameter in trained if parameter.ndim <= 1], "weight_decay": 0.0},
    ]


def _check_output(output: Path, *, resume: bool) -> None:
    if output.is_file():
        raise UsageError(f"{output} is a file; give a folder as --output")
    if not output.is_dir() or not any(output.iterdir()):
        return
    if checkpoint.find(output):
        if not resume:
            raise UsageError(f"{output} holds an unfinished run; add --resume, or give another --output")
    elif all(path.name in checkpoint.SCRATCH for path in output.iterdir()):
        return  # A run was killed before its first checkpoint.
    elif (output / "config.json").exists():
        raise UsageError(f"{output} holds a finished model; give another --output")
    elif not resume:
        raise UsageError(f"{output} is not empty and holds no run of ours; give another --output")


def _forget_other_runs(accelerate: Any) -> None:
    """Let this run choose its device and precision: accelerate holds on to those of the process's first run."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        accelerate.state.AcceleratorState._reset_state(reset_partial_state=True)
        accelerate.state.GradientState._reset_state()


@contextmanager
def _room_for(output: Path) -> Iterator[None]:
    """Turn a full disk into one line: safetensors and torch raise errors of their own, tokenizers a bare Exception."""
    try:
        yield
    except Exception as error:
        if not isinstance(error, OSError | RuntimeError | SafetensorError) and type(error) is not Exception:
            raise
        detail = checkpoint.reason(error)
        kept = checkpoint.find(output)
        remedy = "make room and run again with --resume" if kept else "make room and run again"
        raise OdqaError(f"{output}: the model cannot be written ({detail}); {remedy}") from None
