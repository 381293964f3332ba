"""Runs that ended badly and values of odd kinds, as the libraries write them: python write_cases.py TRACKER DIR"""

from __future__ import annotations

import os
import sys
from pathlib import Path


def wandb(folder: Path) -> None:
    """`whole` finished; `failed` ended with status 1; `nested` logs mappings, text and numbers that are none."""
    for name in ("WANDB_CONFIG_DIR", "WANDB_CACHE_DIR", "WANDB_DATA_DIR"):
        os.environ[name] = str(folder / "own")
    os.environ |= {"WANDB_SILENT": "true", "WANDB_MODE": "offline", "WANDB_DISABLE_GIT": "true"}
    import wandb as library

    for name in ("whole", "failed"):
        job = library.init(
            project="cases", id=name, dir=str(folder), tags=["one", "two"], config={"model": {"width": 64}}
        )
        for step in range(200):
            job.log({"loss": 3.0 - step / 100})
        job.finish(exit_code=int(name == "failed"))
    job = library.init(project="cases", id="nested", dir=str(folder))
    job.log({"eval": {"loss": 2.0, "acc": 0.5}, "note": "text", "loss": float("nan"), "flag": True})
    job.log({"eval": {"loss": 1.5, "acc": 0.6}, "loss": float("inf")})
    job.finish()


def tensorboard(folder: Path) -> None:
    """`new` as TensorFlow 2 writes scalars, with a text and a histogram beside; `old` plain; `failed` says so."""
    import numpy as np
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import HistogramProto, Summary, SummaryMetadata
    from tensorboard.plugins.hparams import metadata
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData, SessionEndInfo, SessionStartInfo
    from tensorboard.plugins.scalar.metadata import create_summary_metadata
    from tensorboard.plugins.text.metadata import create_summary_metadata as text_metadata
    from tensorboard.summary.writer.event_file_writer import EventFileWriter
    from tensorboard.util.tensor_util import make_tensor_proto

    def event(step: int, *values: Summary.Value) -> Event:
        return Event(wall_time=1.7e9 + step, step=step, summary=Summary(value=values))

    def settings(tag: str, contents: HParamsPluginData) -> Summary.Value:
        plugin = SummaryMetadata.PluginData(plugin_name="hparams", content=contents.SerializeToString())
        return Summary.Value(tag=tag, metadata=SummaryMetadata(plugin_data=plugin))

    new = EventFileWriter(str(folder / "new"))
    for step in range(1, 4):
        # As TensorFlow does, only the first value of a tag says of which kind it is.
        about = create_summary_metadata("loss", "") if step == 1 else None
        words = text_metadata("note", "")
        new.add_event(
            event(
                step,
                Summary.Value(tag="loss", metadata=about, tensor=make_tensor_proto(np.float32(4 - step))),
                Summary.Value(tag="wide", tensor=make_tensor_proto(np.float64(step))),
                Summary.Value(tag="many", tensor=make_tensor_proto(np.ones((2, 3), np.float32))),
                Summary.Value(tag="note", metadata=words, tensor=make_tensor_proto("text")),
            )
        )
    new.close()
    old = EventFileWriter(str(folder / "old"))
    for step in range(1, 101):
        values = (
            Summary.Value(tag="loss", simple_value=4.0),
            Summary.Value(tag="histogram", histo=HistogramProto(num=3)),
        )
        old.add_event(event(step, *values))
    old.close()
    failed = EventFileWriter(str(folder / "failed"))
    failed.add_event(event(1, Summary.Value(tag="loss", simple_value=4.0)))
    failed.close()
    # PyTorch's add_hparams writes the settings of a run into a folder of its own below it.
    below = EventFileWriter(str(folder / "failed" / "1700000000.123"))
    began = SessionStartInfo()
    began.hparams["width"].number_value = 64
    began.hparams["tied"].bool_value = True
    below.add_event(event(0, settings(metadata.SESSION_START_INFO_TAG, HParamsPluginData(session_start_info=began))))
    ended = HParamsPluginData(session_end_info=SessionEndInfo(status=2))
    below.add_event(event(0, settings(metadata.SESSION_END_INFO_TAG, ended)))
    below.close()


def inspect(folder: Path) -> None:
    """Two evaluations as inspect's own writer saves them, one of them in the middle."""
    from inspect_ai.log import (
        EvalConfig,
        EvalDataset,
        EvalLog,
        EvalMetric,
        EvalResults,
        EvalScore,
        EvalSpec,
        EvalStats,
        write_eval_log,
    )
    from inspect_ai.model import ModelUsage

    for task_id, status in (("t1", "success"), ("t2", "started")):
        spec = EvalSpec(
            created="2026-01-02T03:04:05+00:00", task="sums", task_id=task_id, model="mockllm/model", tags=["nightly"],
            dataset=EvalDataset(name="sums"), config=EvalConfig(), task_args={"level": 3}, run_id="r", eval_id=task_id,
        )  # fmt: skip
        score = EvalScore(name="match", scorer="match", metrics={"accuracy": EvalMetric(name="accuracy", value=0.75)})
        log = EvalLog(
            status=status, eval=spec, results=EvalResults(total_samples=4, completed_samples=4, scores=[score]),
            stats=EvalStats(model_usage={"mockllm/model": ModelUsage(input_tokens=10, output_tokens=20)}),
        )  # fmt: skip
        write_eval_log(log, str(folder / f"2026_sums_{task_id}.{'eval' if status == 'success' else 'json'}"))


def inspect_samples(folder: Path) -> None:
    """`sums`: two problems of three epochs at temperature 0.7, one of them cut off; `talk`: two calls a problem."""
    from inspect_ai import Task, eval
    from inspect_ai.dataset import Sample
    from inspect_ai.model import GenerateConfig, ModelOutput, ModelUsage, get_model
    from inspect_ai.scorer import match
    from inspect_ai.solver import generate, system_message, user_message

    def said(text: str, reason: str = "stop") -> ModelOutput:
        output = ModelOutput.from_content("mockllm/model", text, reason)
        output.usage = ModelUsage(input_tokens=9, output_tokens=40 if reason == "max_tokens" else 3, total_tokens=12)
        return output

    texts = ["it is 4", "so 9", "it is 5", "so 9", "it is 4", "so "]  # of a and b in turn
    samples = [Sample(id="a", input="2+2?", target="4"), Sample(id="b", input="3*3?", target=["9"])]
    for name, solver, count in (
        ("sums", [system_message("Be brief."), generate()], 1),
        ("talk", [generate(), user_message("Sure?"), generate()], 2),
    ):
        outputs = [said(text, "max_tokens" if text == "so " else "stop") for text in texts for _ in range(count)]
        eval(
            Task(dataset=samples, solver=solver, scorer=match(), name=name, epochs=3,
                 config=GenerateConfig(temperature=0.7, max_tokens=40)),
            model=get_model("mockllm/model", custom_outputs=outputs), log_dir=str(folder / name), display="none",
            max_samples=1, max_connections=1,
        )  # fmt: skip


WRITERS = {"wandb": wandb, "tensorboard": tensorboard, "inspect": inspect, "inspect_samples": inspect_samples}

if __name__ == "__main__":
    WRITERS[sys.argv[1]](Path(sys.argv[2]))
