"""Write the same 20 runs with four libraries: python write_ladder.py {wandb,mlflow,tensorboard,trainer} DIR

Run in a process of its own, so that nothing of these libraries stays in the one that tests. Losses are numbers that a
32-bit float holds, since TensorBoard's events keep no more. Run 7 was stopped at step 300 and resumed from step 200, run
19 diverged, the training loss is logged ten times as often as the loss on the evaluation set.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

RESUMED, DIVERGED, EVERY, EVAL_EVERY = 7, 19, 10, 100


@dataclass(frozen=True)
class Run:
    number: int
    params: int
    batch: int
    steps: int

    @property
    def name(self) -> str:
        return f"run{self.number:02}"

    @property
    def settings(self) -> dict[str, object]:
        return {"n_params": self.params, "batch_tokens": self.batch, "optimizer": "adam"}

    def loss(self, step: int) -> float:
        if self.number == DIVERGED and step == self.steps:
            return float("nan")
        noise = np.random.default_rng([self.number, step]).normal(0, 0.004)
        exact = 1.8 + 480 / self.params**0.34 + 2100 / (step * self.batch) ** 0.37
        return float(np.float32(exact * np.exp(noise)))

    def parts(self) -> list[list[int]]:
        """The steps at which each part of the run logged."""
        whole = list(range(EVERY, self.steps + 1, EVERY))
        if self.number != RESUMED:
            return [whole]
        return [[step for step in whole if step <= 300], [step for step in whole if step > 200]]

    def logged(self, steps: list[int], again: bool) -> Iterator[tuple[int, dict[str, float]]]:
        """What is logged at each step; what was measured before the run was resumed is another number."""
        for step in steps:
            wrong = 0.5 if not again and self.number == RESUMED and step > 200 else 0.0
            values = {"train/loss": self.loss(step) + wrong}
            if step % EVAL_EVERY == 0:
                values["eval/loss"] = self.loss(step) + wrong
            yield step, values


def ladder() -> list[Run]:
    sizes = np.geomspace(2e6, 1e9, 20)
    return [Run(i, int(size), 4096 * (1 + i % 3), 300 + 100 * (i * 7 % 5)) for i, size in enumerate(sizes)]


def wandb(folder: Path) -> None:
    for name in ("WANDB_CONFIG_DIR", "WANDB_CACHE_DIR", "WANDB_DATA_DIR"):
        os.environ[name] = str(folder / "own")
    os.environ |= {"WANDB_SILENT": "true", "WANDB_MODE": "offline", "WANDB_DISABLE_GIT": "true"}
    import wandb as library

    for run in ladder():
        for again, steps in enumerate(run.parts()):
            job = library.init(project="ladder", id=run.name, name=run.name, dir=str(folder), config=run.settings)
            for step, values in run.logged(steps, bool(again)):
                job.log({**values, "global_step": step})
            job.finish()


def mlflow(folder: Path) -> None:
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Param

    client = MlflowClient(tracking_uri=f"sqlite:///{folder}/mlflow.db")
    experiment = client.create_experiment("ladder", artifact_location=str(folder))
    for run in ladder():
        job = client.create_run(experiment, run_name=run.name).info.run_id
        client.log_batch(job, params=[Param(name, str(value)) for name, value in run.settings.items()])
        clock = 1_700_000_000_000
        for again, steps in enumerate(run.parts()):
            metrics = []
            for step, values in run.logged(steps, bool(again)):
                clock += 1
                metrics += [Metric(name, value, clock, step) for name, value in values.items()]
            client.log_batch(job, metrics=metrics)
        client.set_terminated(job)
    _mlflows_cases(client, folder)


def _mlflows_cases(client: object, folder: Path) -> None:
    """One run a status, a tag with and without a value, numbers that are none, and an experiment without a run.

    In the same database, since to make one takes longer than all that is written into it.
    """
    from mlflow.entities import Metric

    experiment = client.create_experiment("cases", artifact_location=str(folder))
    client.create_experiment("empty", artifact_location=str(folder))
    for status in ("FINISHED", "FAILED", "KILLED", "RUNNING"):
        run = client.create_run(experiment, run_name=status.lower(), tags={"sweep": "a", "best": ""}).info.run_id
        values = [3.0, float("nan"), float("inf"), 2.0]
        client.log_batch(run, metrics=[Metric("loss", v, 1_700_000_000_000 + s, s) for s, v in enumerate(values)])
        if status != "RUNNING":
            client.set_terminated(run, status)


def tensorboard(folder: Path) -> None:
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.hparams import metadata
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData, SessionEndInfo, SessionStartInfo
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    for run in ladder():
        for again, steps in enumerate(run.parts()):
            writer = EventFileWriter(str(folder / run.name), filename_suffix=f".{again}")
            began = SessionStartInfo()
            for name, value in run.settings.items():
                text = isinstance(value, str)
                setattr(began.hparams[name], "string_value" if text else "number_value", value)
            ended = HParamsPluginData(session_end_info=SessionEndInfo(status=1))
            _settings(writer, metadata.SESSION_START_INFO_TAG, HParamsPluginData(session_start_info=began))
            for step, values in run.logged(steps, bool(again)):
                summary = Summary(value=[Summary.Value(tag=name, simple_value=v) for name, v in values.items()])
                writer.add_event(Event(wall_time=1.7e9 + step, step=step, summary=summary))
            _settings(writer, metadata.SESSION_END_INFO_TAG, ended)
            writer.close()


def _settings(writer: object, tag: str, contents: object) -> None:
    """An event of the hparams plugin, made as PyTorch makes it."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    contents.version = 0
    plugin = SummaryMetadata.PluginData(plugin_name="hparams", content=HParamsPluginData.SerializeToString(contents))
    value = Summary.Value(tag=tag, metadata=SummaryMetadata(plugin_data=plugin))
    writer.add_event(Event(summary=Summary(value=[value])))


def trainer(folder: Path) -> None:
    """Two checkpoints a run, the second with the whole history, as transformers saves them."""
    from transformers import PretrainedConfig, TrainerState

    for run in ladder():
        history: list[dict[str, float]] = []
        for again, steps in enumerate(run.parts()):
            history = [row for row in history if row["step"] < steps[0]]
            for step, values in run.logged(steps, bool(again)):
                history.append({"loss": values["train/loss"], "step": step})
                if "eval/loss" in values:
                    history.append({"eval_loss": values["eval/loss"], "step": step})
            last = steps[-1]
            state = TrainerState(global_step=last, max_steps=run.steps, log_history=list(history))
            checkpoint = folder / run.name / f"checkpoint-{last}"
            PretrainedConfig(**run.settings).save_pretrained(str(checkpoint))
            state.save_to_json(str(checkpoint / "trainer_state.json"))


if __name__ == "__main__":
    {"wandb": wandb, "mlflow": mlflow, "tensorboard": tensorboard, "trainer": trainer}[sys.argv[1]](Path(sys.argv[2]))
