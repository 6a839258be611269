"""The model that runs in the reader's browser: exported, quantised, held against PyTorch; its runtime from npm."""

import gzip
import json
import logging
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from onnxruntime.quantization import quantize_dynamic
from onnxruntime.quantization.shape_inference import quant_pre_process
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from llm_finetuning import checkpoints, sources, tasks
from llm_finetuning.build import npm_packages

CHECKPOINT = "mini-bert-trec"
FOLDER = "in-page-model"  # below _build, and below _static of the site
FACTS = "facts.json"
RUNTIME = "onnxruntime-web@1.30.0"
INTEGRITY = "sha512-q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
# The smallest of its variants: WebAssembly alone, no graphics card.
SCRIPT, BINARY = "dist/ort.wasm.bundle.min.mjs", "dist/ort-wasm-simd-threaded.wasm"
CLOSE, AGREEMENT = 1e-4, 0.99


class Logits(torch.nn.Module):
    """One question without padding in, its logits out: all that the page needs of a classifier."""

    def __init__(self, model: torch.nn.Module) -> None:
        """Wrap a classifier of transformers."""
        super().__init__()
        self.model = model

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        """Map (1, tokens) to (1, classes)."""
        logits: torch.Tensor = self.model(input_ids=input_ids).logits
        return logits


def make(root: Path) -> Path:
    """Write everything that the page fetches, and facts about it, into ``_build/in-page-model``; return that folder.

    Raises CheckpointError when the exported or the quantised model does not answer as PyTorch does, and SourceError
    when the runtime cannot be had.
    """
    folder = checkpoints.folder(CHECKPOINT)
    model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    test = tasks.load("trec")["test"]
    questions = [torch.tensor([ids]) for ids in tokenizer(test["text"][:], truncation=True)["input_ids"]]
    target = root / "_build" / FOLDER
    with sources.staging(target) as temporary:
        exact, small = export(Logits(model), temporary)
        expected = torch.cat([Logits(model)(question) for question in questions]).detach().numpy()
        found = {path: answers(path, questions) for path in (exact, small)}
        agreement = compare(expected, found[exact], found[small])
        words = {"tokens": tokenizer.convert_ids_to_tokens(range(len(tokenizer))), "labels": label_names(model)}
        script, binary = runtime()
        result = temporary / "result"
        result.mkdir()
        for name, content in {
            "model.onnx.gz": small.read_bytes(),
            "words.json.gz": json.dumps(words).encode(),
            "runtime.wasm.gz": binary,
        }.items():
            (result / name).write_bytes(gzip.compress(content, 9, mtime=0))
        (result / "runtime.mjs").write_bytes(script)
        facts = {
            "bytes": sum(path.stat().st_size for path in result.iterdir()),
            "accuracy": float(np.mean(found[small].argmax(1) == np.array(test["label"]))),
            "agreement": agreement,
        }
        (result / FACTS).write_text(json.dumps(facts, indent=1) + "\n", "utf-8")
        shutil.rmtree(target, ignore_errors=True)
        result.rename(target)
    return target


def label_names(model: Any) -> list[str]:
    """Return the names of a classifier's classes in the order of its logits."""
    return [model.config.id2label[number] for number in range(model.config.num_labels)]


def export(logits: Logits, folder: Path) -> tuple[Path, Path]:
    """Write the module as ONNX into ``folder``, whole and with weights of eight bits, and return both files."""
    exact, prepared, small = (folder / f"{name}.onnx" for name in ("exact", "prepared", "small"))
    with warnings.catch_warnings(), quiet():
        warnings.simplefilter("ignore", FutureWarning)  # torch calls what it deprecates itself
        program = torch.onnx.export(
            logits.eval(),
            (torch.ones(1, 12, dtype=torch.long),),
            input_names=["input_ids"],
            output_names=["logits"],
            dynamic_shapes={"input_ids": {1: torch.export.Dim("tokens", min=2, max=128)}},
            optimize=False,
            verbose=False,
        )
        assert program is not None
        program.save(exact)
        quant_pre_process(exact, prepared, skip_symbolic_shape=True)
        # Seven of the eight bits: older processors overflow with more.
        quantize_dynamic(prepared, small, per_channel=True, reduce_range=True)
    return exact, small


@contextmanager
def quiet() -> Iterator[None]:
    """Silence the exporters, who tell their own story: that torchvision is missing, what cannot be folded."""
    onnxruntime.set_default_logger_severity(3)
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
        onnxruntime.set_default_logger_severity(2)


def answers(path: Path, questions: list[torch.Tensor]) -> np.ndarray[Any, Any]:
    """Return the logits (questions, classes) of an ONNX file."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return np.concatenate([session.run(None, {"input_ids": question.numpy()})[0] for question in questions])


def compare(expected: np.ndarray[Any, Any], exact: np.ndarray[Any, Any], small: np.ndarray[Any, Any]) -> float:
    """Return the share of questions to which the quantised model gives PyTorch's answer.

    Raises CheckpointError when it is too small, or when the exported model's logits are not PyTorch's.
    """
    apart = float(np.abs(expected - exact).max())
    agreement = float(np.mean(expected.argmax(1) == small.argmax(1)))
    if not apart <= CLOSE:
        raise checkpoints.CheckpointError(f"{CHECKPOINT} as ONNX: logits differ from PyTorch's by up to {apart:.1e}.")
    if not agreement >= AGREEMENT:
        raise checkpoints.CheckpointError(f"{CHECKPOINT} with eight bits gives PyTorch's answer to {agreement:.1%}.")
    return agreement


def runtime() -> tuple[bytes, bytes]:
    """Return the runtime's script and its WebAssembly out of its npm package, downloaded unless it is in the cache.

    Raises SourceError when it cannot be had.
    """
    script, binary = npm_packages.read(RUNTIME, INTEGRITY, 33, SCRIPT, BINARY)
    return script, binary
