"""A task and a model go in, trained weights and checkpoints come out. Knows no file format, no dataset and no loss.

Batches are a pure function of the seed and the epoch and checkpoints hold the random state, so a resumed run ends
with the very weights of an unbroken one.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from odqa.device import has_bfloat16
from odqa.errors import OdqaError
from odqa.files import sha256, whole
from odqa.reports import loss_curve
from odqa.training import checkpoint, master_weights, resume
from odqa.training.checkpoint import State
from odqa.training.task import Schedule, Task
from odqa.training.watch import Watcher, interruptible

POINTS = 200  # Of the loss curve that a run keeps.


@dataclass(slots=True)
class Run:
    """The state of the loop: model, optimiser and place in the data.

    ``master`` holds the float32 weights where those of ``model`` are bfloat16, None where the model holds its own
    (see :mod:`odqa.training.master_weights`). ``task`` is what is learned.
    """

    recipe: Schedule
    output: Path
    accelerator: Any
    model: Any
    master: Any
    optimizer: Any
    task: Task
    state: State
    watcher: Watcher
    orders: list[list[list[int]]] = field(init=False)  # The batches of every epoch, as positions in the task's items.
    total_steps: int = field(init=False)

    def __post_init__(self) -> None:
        recipe = self.recipe
        processes = self.accelerator.num_processes
        self.orders = [filled_up(self.task.order(epoch), processes) for epoch in range(recipe.epochs)]
        batches_each = [len(order) // processes for order in self.orders]
        self.total_steps = sum(math.ceil(batches / recipe.accumulate) for batches in batches_each)

    def epoch(self, epoch: int, interrupted: Sequence[int]) -> None:
        """Train on the batches of one epoch that are still to come."""
        import torch

        accelerator, recipe, state = self.accelerator, self.recipe, self.state
        loader = accelerator.prepare(
            torch.utils.data.DataLoader(
                self.task.items,  # type: ignore[arg-type]
                batch_sampler=self.orders[epoch][state.batch :],
                collate_fn=self.task.collate,
                # Its own generator: it would draw from the one of dropout, once more in a resumed run.
                generator=torch.Generator(),
            )
        )
        self.model.train()
        recent: list[float] = []
        began = time.perf_counter()
        for batch in loader:
            for group in self.optimizer.param_groups:
                group["lr"] = learning_rate(state.step, self.total_steps, recipe)
            with accelerator.accumulate(self.model):
                loss = self._loss(batch)
                accelerator.backward(loss)
                if self.master:
                    master_weights.hand_gradients(self.model, self.master)
                recent.append(self._finite(loss.item(), "the loss is"))
                if accelerator.sync_gradients:
                    self._step()
            state.batch += accelerator.num_processes
            state.windows += len(batch["input_ids"]) * accelerator.num_processes
            state.tokens += sum(tokens_in(batch)) * accelerator.num_processes
            now = time.perf_counter()
            state.seconds, began = state.seconds + now - began, now
            if not accelerator.sync_gradients:
                continue
            state.step += 1
            mean = sum(recent[-50 * recipe.accumulate :]) / len(recent[-50 * recipe.accumulate :])
            self.watcher.step(state.step, self.total_steps, mean, state.windows / state.seconds)
            if recipe.track:
                accelerator.log({"loss": mean, "learning_rate": group["lr"]}, step=state.step)
            if state.step % math.ceil(self.total_steps / POINTS) == 0:
                state.losses.append((state.step, round(mean, 4)))
            if self.stopped(interrupted):
                self.save()
                raise KeyboardInterrupt(*interrupted)
            if state.step % recipe.save_every == 0:
                self.save()
                began = time.perf_counter()

    def whole_model(self) -> Any:
        """The model with its float32 weights, without what accelerate wrapped around it."""
        return self.master or self.accelerator.unwrap_model(self.model)

    def evaluate(self, epoch: int) -> None:
        """Score the model after an epoch; the best one so far is kept aside."""
        accelerator, state = self.accelerator, self.state
        if not accelerator.is_main_process:
            return
        model = self.whole_model().eval()
        metrics = self.task.evaluate(model)
        for name, value in metrics.items():
            self._finite(value, f"after epoch {epoch + 1} {name} is")
        state.evaluations.append({"epoch": epoch + 1, **metrics})
        if state.best_epoch == epoch + 1 and self.recipe.keep == "best":
            path = checkpoint.best_file(self.output, state)
            with checkpoint.room_for(self.output):
                path.parent.mkdir(exist_ok=True, parents=True)
                with whole(path) as unfinished:
                    resume.write_weights(unfinished, model)
            state.best = sha256(path)
        self.watcher.evaluated(epoch + 1, metrics)
        if self.recipe.track:
            accelerator.log({f"eval/{name}": value for name, value in metrics.items()}, step=state.step)

    def save(self) -> None:
        """Write a checkpoint: the first process everything, the others their random states.

        Raises OdqaError where the weights are no longer finite, the previous checkpoint being kept.
        """
        if not all(weight.isfinite().all() for weight in self.whole_model().parameters()):
            raise self._spoilt("the weights are not finite", self.state.step)
        if self.accelerator.is_main_process:
            checkpoint.save(self.output, self.state, self._write_state)
            checkpoint.forget_worse(self.output, self.state)
            self._draw()
        else:
            self._write_state(self.output / checkpoint.FRESH)
        self.accelerator.wait_for_everyone()

    def load(self, saved: Path) -> None:
        """Go on from the checkpoint ``saved``. Raises DataError, naming the file, where one of its files is unfit."""
        accelerator = self.accelerator
        resume.read_shared(saved, self.whole_model(), self.optimizer, accelerator.scaler)
        if self.master:
            master_weights.hand_weights(self.master, self.model)
        resume.read_own(saved, accelerator.process_index, accelerator.device, self.task.memory)

    def stopped(self, interrupted: Sequence[int]) -> bool:
        """Whether any of the processes was asked to stop."""
        if self.accelerator.num_processes == 1:
            return bool(interrupted)
        if interrupted:
            self.accelerator.set_trigger()
        return bool(self.accelerator.check_trigger())

    def final_model(self) -> Any:
        """The best evaluated model, or the last one where none was evaluated or the last is asked for."""
        model = self.whole_model()
        if self.state.best:
            resume.read_weights(checkpoint.best_file(self.output, self.state), model)
        return model.eval()

    def _loss(self, batch: dict[str, Any]) -> Any:
        return self.task.loss(self.model, batch)

    def _step(self) -> None:
        """Clip the gradients, let the optimiser step, and forget them. Raises OdqaError where they are not finite."""
        whole = self.master or self.model
        norm = self.accelerator.clip_grad_norm_(whole.parameters(), self.recipe.max_gradient_norm)
        # In float16 gradients overflow now and then: the scaler leaves such a step out and scales less from then on.
        if self.accelerator.scaler is None:
            self._finite(norm.item(), "the gradients are not finite: their norm is")
        self.optimizer.step()
        self.optimizer.zero_grad()
        if self.master:
            master_weights.hand_weights(self.master, self.model)

    def _draw(self) -> None:
        """Write the loss curve, as far as it has come, into the run's folder."""
        each = self.total_steps / self.recipe.epochs
        held_out = [(round(one["epoch"] * each), one["loss"]) for one in self.state.evaluations if "loss" in one]
        with checkpoint.room_for(self.output):
            loss_curve.write(self.output / loss_curve.FILE, self.state.losses, held_out)

    def _write_state(self, path: Path) -> None:
        accelerator = self.accelerator
        accelerator.wait_for_everyone()  # The first process has made the folder.
        if accelerator.is_main_process:
            resume.write_shared(path, self.whole_model(), self.optimizer, accelerator.scaler)
        resume.write_own(path, accelerator.process_index, accelerator.device, self.task.memory)
        accelerator.wait_for_everyone()  # All have written into it before it gets its name.

    def _finite(self, value: float, what: str) -> float:
        if not math.isfinite(value):
            raise self._spoilt(f"{what} {value}", self.state.step + 1)
        return value

    def _spoilt(self, what: str, step: int) -> OdqaError:
        kept = checkpoint.find(self.output)
        state = f"the checkpoint {kept} is kept" if kept else "no checkpoint had been written yet"
        chosen = self.recipe.precision
        # By itself a run takes bfloat16 where the hardware has it, or float32 already.
        exact = chosen == "float32" or (chosen == "auto" and not has_bfloat16(self.accelerator.device.type))
        rate = f"the learning rate ({self.recipe.learning_rate})"
        if not kept:
            remedy = f"Lower {rate}{'' if exact else ' or use --precision float32'}"
        # Of what a checkpoint was made with, the precision may be another when it goes on, and the rate may not.
        elif exact:
            remedy = f"Lower {rate} in a run with another --output"
        else:
            remedy = f"Go on from it with --resume --precision float32, or lower {rate} in a run with another --output"
        return OdqaError(f"{what} at step {step}; {state}. {remedy}")


def fit(run: Run) -> None:
    """Train through the epochs that are left, with an evaluation and a checkpoint after each.

    Raises KeyboardInterrupt, with the signal's number, after a checkpoint where the run was asked to stop, and
    OdqaError where loss, gradients or weights are not finite or the disk is full.
    """
    with interruptible() as interrupted:
        for epoch in range(run.state.epoch, run.recipe.epochs):
            run.task.begin(epoch, run.whole_model())
            run.epoch(epoch, interrupted)
            if run.task.held_out:
                run.evaluate(epoch)
            run.state.epoch, run.state.batch = epoch + 1, 0
            run.save()
            if run.stopped(interrupted):
                raise KeyboardInterrupt(*interrupted)


def filled_up(order: list[list[int]], processes: int) -> list[list[int]]:
    """The batches of an epoch and, so that each of the processes has as many, its first ones once more at the end.

    accelerate does the same, but with the first of those that it is given: in a resumed run, of those that are left.
    """
    return [*order, *islice(cycle(order), -len(order) % processes)]


def tokens_in(batch: Mapping[str, Any]) -> Iterator[int]:
    """The tokens of a batch, padding counted: those of each of its texts, of which a pair has two or more."""
    yield batch["input_ids"].numel()
    for other in batch.get("others", ()):
        yield from tokens_in(other)


def learning_rate(step: int, total: int, recipe: Schedule) -> float:
    """The rate of a step (from 0): a linear rise over the warm-up's share, then a linear fall to 0."""
    rise = recipe.warmup * total
    if step < rise:
        return recipe.learning_rate * (step + 1) / (rise + 1)
    return recipe.learning_rate * (total - step) / max(total - rise, 1)
