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


def test_the_hub_s_folder_layout_is_used_as_it_is(tmp_path, monkeypatch):
    model = models.locate("encoder")
    for name in ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "vocab.txt"):
        (tmp_path / name).symlink_to(model / name)
    monkeypatch.setitem(models.MODELS, "encoder", (models.MODELS["encoder"][0], str(tmp_path)))
    folder = models.locate("encoder", "hub")
    assert folder == tmp_path
    assert AutoModel.from_pretrained(folder).config.hidden_size == 384


def test_an_unreachable_hub_fails_soon_and_says_what_to_do(tmp_path):
    # A process of its own: the hub client reads its settings once. Nothing listens on port 9 of this machine.
    environment = os.environ | {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "0"}
    code = "from llm_finetuning import models; models.locate('encoder', 'hub')"
    result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120)
    assert "SourceError: The hub did not deliver" in result.stderr
    assert 'source="packaged"' in result.stderr
