"""A page over transformers' Trainer: the settings every page shares, and a record of what a run took."""

import ctypes
import gc
import sys
import tempfile
import threading
import time
from typing import Any

import psutil
import torch
from datasets import Dataset
from transformers import PreTrainedTokenizerBase, PrinterCallback, Trainer, TrainingArguments

from llm_finetuning import runtime


def tokenize(data: Any, tokenizer: PreTrainedTokenizerBase, max_length: int = 128) -> Any:
    """Return a Dataset or DatasetDict with ``input_ids`` and ``attention_mask`` (no padding: the collator pads)."""
    # Kept in memory: a cache file of datasets' own would carry the tokenizer's state in its name only.
    return data.map(
        lambda batch: tokenizer(batch["text"], truncation=True, max_length=max_length, return_token_type_ids=False),
        batched=True,
        remove_columns=["text"],
        keep_in_memory=True,
        load_from_cache_file=False,
    )


def arguments(**overrides: Any) -> TrainingArguments:
    """Return TrainingArguments with the book's defaults, each of which ``overrides`` may replace.

    Nothing is written or reported anywhere; sentences of like length share a batch, which saves padding.
    """
    settings: dict[str, Any] = {
        "output_dir": tempfile.gettempdir(),  # never written to: nothing is saved
        "per_device_train_batch_size": 32,
        "per_device_eval_batch_size": 64,
        "train_sampling_strategy": "group_by_length",
        "save_strategy": "no",
        "report_to": "none",
        "logging_steps": 10,
        "disable_tqdm": runtime.quiet(),
        "dataloader_pin_memory": torch.cuda.is_available(),
        "use_cpu": not torch.cuda.is_available(),
    }
    return TrainingArguments(**{**settings, **overrides})


def run(trainer: Trainer, test: Dataset) -> dict[str, Any]:
    """Train, predict ``test``, and return what came out and what it took.

    Keys: ``predictions`` (list of class numbers, one per example of ``test``), ``loss`` (the logged training
    losses), ``trainable`` and ``parameters`` (counts), ``seconds`` (training only), ``tokens_per_second``
    (training, padding not counted) and ``peak_memory_mb`` (growth of the process's memory, sampled, or
    the allocator's peak on a GPU).
    """
    # An encoder's pooler or a head that a page adds counts like any other weight.
    sizes = [(p.numel(), p.requires_grad) for p in trainer.model.parameters()]
    tokens = sum(len(ids) for ids in trainer.train_dataset["input_ids"]) * trainer.args.num_train_epochs
    trainer.remove_callback(PrinterCallback)  # its lines end up on the page; `loss` keeps what they say
    with PeakMemory() as memory:
        started = time.perf_counter()
        trainer.train()
        seconds = time.perf_counter() - started
    # Grouping by length would also reorder what is predicted, silently.
    trainer.args.train_sampling_strategy = "sequential"
    predictions = trainer.predict(test).predictions
    return {
        "predictions": predictions.argmax(-1).tolist(),
        "loss": [round(entry["loss"], 4) for entry in trainer.state.log_history if "loss" in entry],
        "trainable": sum(n for n, trainable in sizes if trainable),
        "parameters": sum(n for n, _ in sizes),
        "seconds": round(seconds, 2),
        "tokens_per_second": round(tokens / seconds, 1),
        "peak_memory_mb": memory.megabytes,
    }


class PeakMemory:
    """Measure how far memory grows inside a ``with`` block; afterwards ``megabytes`` holds the peak."""

    def __enter__(self) -> "PeakMemory":
        """Start sampling."""
        # What earlier work has freed goes back to the system first: reused, it would not be seen to grow again.
        gc.collect()
        if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
            libc.malloc_trim(0)
        self._process = psutil.Process()
        self._start = self._peak = self._process.memory_info().rss
        if torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats()
        self._done = threading.Event()
        self._sampler = threading.Thread(target=self._sample, daemon=True)
        self._sampler.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop sampling and keep the peak."""
        self._done.set()
        self._sampler.join()
        if torch.cuda.is_available():
            self.megabytes = round(torch.cuda.max_memory_allocated() / 2**20)
        else:
            self.megabytes = round((self._peak - self._start) / 2**20)

    def _sample(self) -> None:
        # The operating system's own high-water mark cannot be reset portably, so the size is sampled.
        while not self._done.wait(0.02):
            self._peak = max(self._peak, self._process.memory_info().rss)
