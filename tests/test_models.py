"""Where models come from."""

import os
import subprocess
import sys

from transformers import AutoConfig, AutoModel, AutoTokenizer

from llm_finetuning import models


def test_the_packaged_encoder_is_a_whole_model():
    folder = models.locate("encoder")
    config = AutoConfig.from_pretrained(folder)
    assert (config.num_hidden_layers, config.hidden_size) == (6, 384)
    assert AutoTokenizer.from_pretrained(folder)("hello world")["input_ids"] == [101, 7592, 2088, 102]
    assert sum(p.numel() for p in AutoModel.from_pretrained(folder).parameters()) == 22_713_216


def test_the_hub_s_model_is_used_as_it_is_delivered(hub):
    delivered = hub("model", "google-bert/bert-base-uncased")
    for name in ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "vocab.txt"):
        (delivered / name).symlink_to(models.locate("encoder") / name)
    folder = models.locate("encoder", "hub")
    assert folder == delivered
    assert AutoModel.from_pretrained(folder).config.hidden_size == 384
    assert AutoTokenizer.from_pretrained(folder)("hello world")["input_ids"] == [101, 7592, 2088, 102]


def test_an_unreachable_hub_fails_soon_and_says_what_to_do(tmp_path):
    # A process of its own: the hub client reads its settings once. Nothing listens on port 9 of this machine.
    environment = os.environ | {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "0"}
    code = """
import sys, time
from llm_finetuning import models, sources, tasks
for fetch in (lambda: models.locate("encoder", "hub"), lambda: tasks.load("trec", "hub")):
    started = time.monotonic()
    try:
        fetch()
    except sources.SourceError as error:
        print(error)
    assert time.monotonic() - started < 10, "the client tried again and again"
"""
    result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    for hub_id in ("google-bert/bert-base-uncased", "CogComp/trec"):
        assert f"The hub did not deliver '{hub_id}'" in result.stdout
    assert result.stdout.count('source="packaged"') == 2
