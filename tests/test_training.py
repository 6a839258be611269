"""What a run reports, on a tiny model."""

import time

import pytest
import torch
from datasets import Dataset
from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification, Trainer, set_seed

from llm_finetuning import models, runtime, training


def tiny_run():
    runtime.start("cpu", "packaged", 0)
    tokenizer = AutoTokenizer.from_pretrained(models.locate("encoder"))
    texts = [f"{'good ' * (i % 7)}{'bad ' * (i % 3)}film" for i in range(64)]
    data = training.tokenize(Dataset.from_dict({"text": texts, "label": [i % 2 for i in range(64)]}), tokenizer)
    set_seed(0)
    config = BertConfig(
        vocab_size=tokenizer.vocab_size,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
    )
    model = BertForSequenceClassification(config)
    model.bert.embeddings.requires_grad_(False)
    arguments = training.arguments(num_train_epochs=5, learning_rate=1e-3, disable_tqdm=True)
    return training.run(Trainer(model, arguments, train_dataset=data, processing_class=tokenizer), data), model, data


def test_a_run_reports_what_it_did_and_twice_the_same():
    (first, model, data), (second, _, _) = tiny_run(), tiny_run()
    assert first["predictions"] == second["predictions"] and first["loss"] == second["loss"]
    assert first["parameters"] == sum(p.numel() for p in model.parameters())
    assert first["trainable"] == first["parameters"] - sum(p.numel() for p in model.bert.embeddings.parameters())
    assert first["seconds"] > 0 and first["tokens_per_second"] > 0
    # In the data's order, whatever order training took.
    model.eval()
    for row, predicted in zip(list(data)[:10], first["predictions"], strict=False):
        logits = model(torch.tensor([row["input_ids"]]), torch.tensor([row["attention_mask"]])).logits
        assert logits.argmax().item() == predicted


def test_peak_memory_sees_an_allocation():
    with training.PeakMemory() as memory:
        block = torch.ones(50_000_000)  # 200 MB
        time.sleep(0.2)
        del block
    assert memory.megabytes == pytest.approx(191, abs=60)


def test_peak_memory_sees_memory_that_earlier_work_has_freed():
    def many_small_blocks():
        return [torch.ones(20_000) for _ in range(2_500)]  # 200 MB: each small enough for the allocator to keep

    blocks = many_small_blocks()
    at_the_end_of_the_heap = torch.ones(20_000)  # what lies below it is not given back by itself
    del blocks
    with training.PeakMemory() as memory:
        blocks = many_small_blocks()
        time.sleep(0.1)
    assert memory.megabytes == pytest.approx(191, abs=60)
    del blocks, at_the_end_of_the_heap


def test_unknown_settings_are_refused():
    with pytest.raises(TypeError):
        training.arguments(evaluation_strategy="epoch")


def test_an_unknown_scale_lists_the_valid_ones():
    with pytest.raises(ValueError, match="smoke, cpu, full"):
        runtime.start("huge", "packaged", 0)
