# %%NBQA-CELL-SEP6cc838
# Installs the book's helper package where it is missing (Colab, Binder); does nothing elsewhere.
import importlib.util
import os
import subprocess
import sys

if importlib.util.find_spec("llm_finetuning") is None:
    package = os.environ.get("LLM_FINETUNING_PACKAGE", "git+https://github.com/llm-finetuning-book/llm-finetuning-book")
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", package], check=True)


# %%NBQA-CELL-SEP6cc838
scale = "cpu"  # "smoke": seconds, wiring only; "cpu": what is printed here; "full": for a GPU
source = "packaged"  # "packaged": pip alone; "hub": the questions from a model hub
seed = 1


# %%NBQA-CELL-SEP6cc838
import copy

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from captum.attr import LayerIntegratedGradients
from datasets import Dataset
from scipy.stats import spearmanr
from sklearn.linear_model import RidgeClassifier
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PrinterCallback,
    Trainer,
    set_seed,
)

from llm_finetuning import checkpoints, evaluation, models, plots, results, runtime, tasks, training
from llm_finetuning.artifacts import artifact
from llm_finetuning.checks import check

runtime.start(scale, source, seed)


# %%NBQA-CELL-SEP6cc838
trec = tasks.load("trec", source)
tasks.card("trec", trec, source)


# %%NBQA-CELL-SEP6cc838
folder = checkpoints.folder("mini-bert-trec")
tokenizer = AutoTokenizer.from_pretrained(folder)
model = AutoModelForSequenceClassification.from_pretrained(
    folder, dtype=torch.float32, attn_implementation="eager"
)  # "eager": attention that can be looked at
model.eval().requires_grad_(False)  # we want gradients of the input, not of the weights
names = trec["test"].features["label"].names
MASK = tokenizer.mask_token_id


def encode(text):
    """A text's input_ids (1, tokens), and for each token the number of its word (tokens,), -1 for [CLS] and [SEP]."""
    made = tokenizer(text, return_tensors="pt")
    return made["input_ids"], torch.tensor([-1 if word is None else word for word in made.word_ids()])


# %%NBQA-CELL-SEP6cc838
@torch.no_grad()
def classify(model, texts):
    """The model's beliefs (texts, 6)."""
    return torch.cat([model(encode(text)[0]).logits.softmax(-1) for text in texts])


test_texts, test_labels = trec["test"]["text"][:], np.array(trec["test"]["label"])
if scale == "smoke":
    test_texts, test_labels = test_texts[:24], test_labels[:24]
beliefs = artifact(classify)(model, test_texts)
answers = beliefs.argmax(-1).numpy()
check("Accuracy on the test questions", float(np.mean(answers == test_labels)), equals=0.846, tolerance=0.004)


# %%NBQA-CELL-SEP6cc838
def log_odds(logits, target):
    """Log odds of class `target`, (rows,), for logits (rows, 6)."""
    rest = logits.clone()
    rest[:, target] = -torch.inf
    return logits[:, target] - rest.logsumexp(-1)


def embed(model, ids):
    return model.get_input_embeddings()(ids)  # (rows, tokens, hidden_size)


def F(model, x, target):
    return log_odds(model(inputs_embeds=x).logits, target)  # (rows,)


# %%NBQA-CELL-SEP6cc838
def rule(name, steps):
    """Places (steps,) and weights (steps,) of a quadrature rule on [0, 1]."""
    if name == "Gauss-Legendre":
        alpha, weight = np.polynomial.legendre.leggauss(steps)
        return torch.tensor((alpha + 1) / 2).float(), torch.tensor(weight / 2).float()
    first = 1.0 if name == "right end" else 0.5  # "midpoint"
    return (torch.arange(steps) + first) / steps, torch.full((steps,), 1 / steps)


def integrated_gradients(model, x, base, target, steps=32, name="midpoint"):
    """Attribution of every token (tokens,), for x and base (1, tokens, hidden_size)."""
    alpha, weight = rule(name, steps)
    line = (base + alpha[:, None, None] * (x - base)).requires_grad_()  # (steps, tokens, hidden_size)
    (gradient,) = torch.autograd.grad(F(model, line, target).sum(), line)
    return ((x - base)[0] * (weight[:, None, None] * gradient).sum(0)).sum(-1)


# %%NBQA-CELL-SEP6cc838
def blank(ids, hidden):
    """ids (1, tokens) with [MASK] where hidden (rows, tokens) says so: (rows, tokens)."""
    return torch.where(hidden, MASK, ids)


def baseline_for(model, ids, words, filler=None):
    """The embeddings of the text with each token of a word replaced: by [MASK]'s, or by `filler` (hidden_size,)."""
    filler = embed(model, torch.tensor(MASK)) if filler is None else filler
    return torch.where((words >= 0)[None, :, None], filler, embed(model, ids))


def per_word(values, words):
    """Sum over a word's tokens: from (tokens,) to (words,)."""
    inside = words >= 0
    return torch.zeros(int(words.max()) + 1).index_add(0, words[inside], values[inside])


def spelled(ids, words):
    return [tokenizer.decode(ids[0][words == k]) for k in range(int(words.max()) + 1)]


# %%NBQA-CELL-SEP6cc838
asked = "Who was Galileo ?"
ids, words = encode(asked)
target = int(classify(model, [asked]).argmax())
x, base = embed(model, ids), baseline_for(model, ids, words)
by_hand = integrated_gradients(model, x, base, target)
explained = float(F(model, x, target) - F(model, base, target))
print(names[target], dict(zip(spelled(ids, words), per_word(by_hand, words).numpy().round(2).tolist(), strict=True)))
print(f"sum {by_hand.sum():.3f}, F(x) - F(x') {explained:.3f}")


# %%NBQA-CELL-SEP6cc838
attribution = LayerIntegratedGradients(lambda ids: log_odds(model(ids).logits, target), model.get_input_embeddings())
everything = (words >= 0)[None, :]
theirs = attribution.attribute(ids, baselines=blank(ids, everything), n_steps=32, method="riemann_middle")
difference = float((theirs[0].sum(-1) - by_hand).abs().max())
check("Largest difference between captum's attributions and ours", difference, at_most=1e-4)
check("'Who' gets the largest part", int(per_word(by_hand, words).argmax()), equals=0)
check("Completeness: sum less F(x) - F(x')", abs(float(by_hand.sum()) - explained), at_most=0.1)


# %%NBQA-CELL-SEP6cc838
def completeness_errors(model, texts, targets, rules, counts):
    """Median over the texts of |sum - (F(x) - F(x'))| / |F(x) - F(x')|, for each rule and number of steps."""
    errors = {name: torch.zeros(len(counts), len(texts)) for name in rules}
    for column, (text, target) in enumerate(zip(texts, targets, strict=True)):
        ids, words = encode(text)
        x, base = embed(model, ids), baseline_for(model, ids, words)
        gap = F(model, x, target) - F(model, base, target)
        for name in rules:
            for row, steps in enumerate(counts):
                total = integrated_gradients(model, x, base, target, steps, name).sum()
                errors[name][row, column] = ((total - gap) / gap).abs()
    return {name: found.median(1).values for name, found in errors.items()}


rules, counts = ["right end", "midpoint", "Gauss-Legendre"], [1, 2, 4, 8, 16, 32, 64]
some = 3 if scale == "smoke" else 8
errors = artifact(completeness_errors)(model, test_texts[:some], answers[:some].tolist(), rules, counts)


# %%NBQA-CELL-SEP6cc838
fig, axes = plt.subplots(figsize=(7.2, 3.6))
for number, (name, marker) in enumerate(zip(rules, "os^", strict=True)):
    axes.plot(counts, errors[name].clamp_min(1e-7), marker=marker, color=plots.PALETTE[number])
    axes.annotate(name, (64, float(errors[name][-1].clamp_min(1e-7))), xytext=(6, 0), textcoords="offset points")
at_32 = {name: float(errors[name][counts.index(32)]) for name in rules}
axes.set(xscale="log", yscale="log", xlim=(0.9, 180), xlabel="steps", ylabel="error, share of F(x) - F(x')")
axes.set_xticks(counts, counts)
axes.minorticks_off()
axes.set_title(f"32 steps: {at_32['right end']:.1%} off with right ends, {at_32['midpoint']:.2%} with midpoints")
alt = "Error against number of steps, both logarithmic. All fall; at 32 steps: " + ", ".join(
    f"{name} {error:.1e}" for name, error in at_32.items()
)
plots.show(fig, alt)


# %%NBQA-CELL-SEP6cc838
check("Error with one step, midpoint", float(errors["midpoint"][0]), at_least=0.2)
check("Error with 32 steps, midpoint", at_32["midpoint"], at_most=0.01)
check("The same, right ends for one of midpoints", at_32["right end"] / at_32["midpoint"], at_least=5)


# %%NBQA-CELL-SEP6cc838
def with_fillers(model, texts, targets, fillers):
    """Per baseline: the model's beliefs in the empty text (texts, 6), and the attributions of each text's words."""
    found = {name: {"beliefs": [], "words": []} for name in fillers}
    for text, target in zip(texts, targets, strict=True):
        ids, words = encode(text)
        for name, filler in fillers.items():
            base = baseline_for(model, ids, words, filler)
            found[name]["beliefs"].append(model(inputs_embeds=base).logits.softmax(-1)[0])
            tokens = integrated_gradients(model, embed(model, ids), base, target)
            found[name]["words"].append(per_word(tokens, words))
    return found


table = model.get_input_embeddings().weight  # (vocab_size, hidden_size)
fillers = {"[MASK]": table[MASK], "[PAD]": table[tokenizer.pad_token_id]}
fillers |= {"zeros": torch.zeros_like(table[0]), "mean": table.mean(0)}
long = [k for k, text in enumerate(test_texts) if int(encode(text)[1].max()) >= 5]  # six words or more
some = long[: 3 if scale == "smoke" else 24]
filled = artifact(with_fillers)(model, [test_texts[k] for k in some], answers[some].tolist(), fillers)


# %%NBQA-CELL-SEP6cc838
def agreement(ones, others):
    """Spearman's rank correlation of two attributions, one number per text."""
    return np.array([spearmanr(one, other).statistic for one, other in zip(ones, others, strict=True)])


rows = {}
for name, found in filled.items():
    empty = torch.stack(found["beliefs"]).mean(0)
    same = agreement(filled["[MASK]"]["words"], found["words"])
    rows[name] = {
        "answer to the empty text": names[int(empty.argmax())],
        "mean belief": float(empty.max()),
        "rank correlation with [MASK]": same.mean(),
    }
    tops = [int(a.argmax()) == int(b.argmax()) for a, b in zip(filled["[MASK]"]["words"], found["words"], strict=True)]
    rows[name]["same top word"] = np.mean(tops)
baselines = pd.DataFrame(rows).T.rename_axis("baseline")
baselines


# %%NBQA-CELL-SEP6cc838
others = baselines.drop(index="[MASK]")
zeros = baselines.loc["zeros"]
check("Zeros: mean belief in one answer to an empty text", zeros["mean belief"], at_least=0.6)
check("[MASK]: the same", baselines.loc["[MASK]", "mean belief"], at_most=0.65)
check("Highest rank correlation of another baseline", others["rank correlation with [MASK]"].max(), at_most=0.8)
check("Largest share of equal top words", others["same top word"].max(), at_most=0.9)
check("Smallest share of equal top words", others["same top word"].min(), at_least=0.1)


# %%NBQA-CELL-SEP6cc838
def occlusion(model, ids, words, target):
    """Loss in log odds when a word is masked (words,)."""
    hidden = torch.arange(int(words.max()) + 1)[:, None] == words[None, :]  # (words, tokens)
    odds = log_odds(model(torch.cat([ids, blank(ids, hidden)])).logits, target)
    return odds[0] - odds[1:]


def attention(model, ids):
    """Attention (layers, tokens, tokens), mean over the heads."""
    return torch.stack(model(ids, output_attentions=True).attentions)[:, 0].mean(1)


def rollout(A):
    """What each token's last state is mixed from (tokens, tokens)."""
    mixed = torch.eye(A.shape[-1])
    for layer in A:
        mixed = (layer + torch.eye(len(layer))) / 2 @ mixed
    return mixed


# %%NBQA-CELL-SEP6cc838
METHODS = ["integrated gradients", "occlusion", "gradient x input", "gradient norm"]
METHODS += ["attention, last layer", "attention rollout", "random"]


def attribute(model, text, target, steps, dice):
    """All methods: a dict of (words,)."""
    ids, words = encode(text)
    x, A = embed(model, ids), attention(model, ids)
    leaf = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(F(model, leaf, target).sum(), leaf)
    tokens = {
        "integrated gradients": integrated_gradients(model, x, baseline_for(model, ids, words), target, steps),
        "gradient x input": (gradient * x).sum(-1)[0],
        "gradient norm": gradient.norm(dim=-1)[0],
        "attention, last layer": A[-1, 0],
        "attention rollout": rollout(A)[0],
    }
    found = {name: per_word(values, words) for name, values in tokens.items()}
    found["occlusion"] = occlusion(model, ids, words, target)
    found["random"] = torch.rand(int(words.max()) + 1, generator=dice)
    return found


def attribute_all(model, texts, targets, steps=32, lot=0):
    dice = torch.Generator().manual_seed(lot)
    return [attribute(model, text, target, steps, dice) for text, target in zip(texts, targets, strict=True)]


# %%NBQA-CELL-SEP6cc838
chosen = long[: 4 if scale == "smoke" else 150]  # of the test questions with six words or more
texts, targets = [test_texts[k] for k in chosen], answers[chosen].tolist()
maps = artifact(attribute_all)(model, texts, targets)


# %%NBQA-CELL-SEP6cc838
flower = "What is Hawaii 's state flower ?"
ids, words = encode(flower)
target = int(classify(model, [flower]).argmax())
(shown,) = attribute_all(model, [flower], [target])
grid = torch.stack([shown[name] / shown[name].abs().max() for name in METHODS])  # (methods, words)
fig, axes = plt.subplots(figsize=(7.2, 3.4))
axes.imshow(grid, cmap="RdBu", vmin=-1.3, vmax=1.3, aspect="auto")
for (row, column), value in np.ndenumerate(grid.numpy()):
    axes.text(column, row, f"{value:.2f}", ha="center", va="center", size=9, weight="bold" if value == 1 else None)
axes.set_xticks(range(len(grid[0])), spelled(ids, words))
axes.set_yticks(range(len(METHODS)), METHODS)
tops = {name: spelled(ids, words)[int(shown[name].argmax())] for name in METHODS}
axes.set_title(f"Why {names[target]}? Seven answers, {len(set(tops.values()))} different top words")
alt = "A table of methods by words, each method's values divided by its largest. The top words: " + ", ".join(
    f"{name}: {word}" for name, word in tops.items()
)
plots.show(fig, alt)


# %%NBQA-CELL-SEP6cc838
check("The answer", names[target] == "LOC")
check("Integrated gradients: the top word is 'state'", tops["integrated gradients"] == "state")
check("Occlusion: the top word is 'state'", tops["occlusion"] == "state")
check("Different top words", len(set(tops.values())), at_least=3)


# %%NBQA-CELL-SEP6cc838
CUTS = [1, 2, 3, 4]


def patterns(found, words):
    """Which tokens are deleted, (1 + methods x 2 x cuts, tokens): nothing; per method the top k; all but the top k."""
    rows = [torch.zeros_like(words, dtype=torch.bool)]
    for name in METHODS:
        order = found[name].argsort(descending=True)
        top = [torch.isin(words, order[:k]) for k in CUTS]
        rows += top + [(words >= 0) & ~some for some in top]
    return torch.stack(rows)


@torch.no_grad()
def deletion(model, texts, targets, maps):
    """Beliefs in the answer: before (texts,), and after (texts, ways, methods, 2, cuts)."""
    before, after = [], []
    for text, target, found in zip(texts, targets, maps, strict=True):
        ids, words = encode(text)
        gone = patterns(found, words)
        masked = model(blank(ids, gone)).logits
        unseen = model(ids.expand(len(gone), -1), attention_mask=(~gone).long()).logits
        beliefs = torch.stack([masked, unseen]).softmax(-1)[..., target]  # (ways, 1 + methods x 2 x cuts)
        before.append(beliefs[0, 0])
        after.append(beliefs[:, 1:].reshape(2, len(METHODS), 2, len(CUTS)))
    return {"before": torch.stack(before), "after": torch.stack(after)}


# %%NBQA-CELL-SEP6cc838
deleted = artifact(deletion)(model, texts, targets, maps)
before, after = deleted["before"].numpy(), deleted["after"].numpy()
loss = before[:, None, None, None] - after.mean(-1)  # (texts, ways, methods, 2): averaged over the cuts


def mean_of(references, predictions):
    return float(np.mean(predictions))


def interval(values):
    low, high = evaluation.bootstrap_interval(mean_of, values, values, resamples=500)
    return {"mean": values.mean(), "from": low, "to": high}


rows = {}
for number, name in enumerate(METHODS):
    rows[name] = interval(loss[:, 0, number, 0])
    rows[name] |= {"unseen instead": loss[:, 1, number, 0].mean(), "sufficiency": loss[:, 0, number, 1].mean()}
faithful = pd.DataFrame(rows).T.rename_axis("comprehensiveness")


# %%NBQA-CELL-SEP6cc838
faithful.sort_values("mean", ascending=False).round(3)


# %%NBQA-CELL-SEP6cc838
fig, panels = plt.subplots(1, 2, figsize=(7.4, 3.9), sharey=True)
lines = ["-", "-", "--", "-.", ":", "-.", "--"]
for number, name in enumerate(METHODS):
    for side, axes in enumerate(panels):
        values = after[:, 0, number, side].mean(0)
        axes.plot(CUTS, values, lines[number], color=plots.PALETTE[number], marker="osD^vPX"[number], label=name)
for axes, title in zip(panels, ("Without the top words", "With the top words alone"), strict=True):
    axes.set(title=title, xlabel="words k", ylim=(0, 1), xticks=CUTS)
    axes.axhline(before.mean(), color="grey", linewidth=1)
panels[0].set_ylabel("mean belief in the answer")
fig.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=9)
means = {name: after[:, 0, number, 0, 1].mean() for number, name in enumerate(METHODS)}
alt = f"Two panels of falling and rising lines. Belief of {before.mean():.2f} before; without the two top words: "
plots.show(fig, alt + ", ".join(f"{name} {value:.2f}" for name, value in means.items()))


# %%NBQA-CELL-SEP6cc838
paired = loss[:, 0, :, 0]  # (texts, methods)
column = {name: paired[:, number] for number, name in enumerate(METHODS)}
ig_occlusion = interval(column["integrated gradients"] - column["occlusion"])
ig_random = interval(column["integrated gradients"] - column["random"])
input_random = interval(column["gradient x input"] - column["random"])
last_random = interval(column["attention, last layer"] - column["random"])
at_one = after[:, 0, METHODS.index("integrated gradients"), 0, 0] - after[:, 0, METHODS.index("occlusion"), 0, 0]
single = interval(at_one)
check("Belief before", before.mean(), at_least=0.85)
check("Integrated gradients less random, lower end", ig_random["from"], at_least=0.4)
check("Integrated gradients less occlusion, lower end", ig_occlusion["from"], at_least=0.005)
check("With one word only, belief left: integrated gradients less occlusion, lower end", single["from"], at_most=0.01)
check("Attention, last layer, less random, lower end", last_random["from"], at_least=0.05)
check(
    "Attention rollout less last layer",
    np.mean(column["attention rollout"] - column["attention, last layer"]),
    at_least=0.03,
)
check("Gradient times input less random, upper end", input_random["to"], at_most=0.1)
ranks = faithful["mean"].rank(), faithful["unseen instead"].rank()
check(
    "Order of the methods by the two ways of deleting: rank correlation", float(ranks[0].corr(ranks[1])), at_least=0.8
)


# %%NBQA-CELL-SEP6cc838
first = model.base_model.embeddings.token_type_embeddings.weight[0]  # t, (hidden_size,)
cosines, alike = [], []
for text, target in zip(texts[:20], targets, strict=False):
    ids, words = encode(text)
    x = embed(model, ids).requires_grad_()
    (g,) = torch.autograd.grad(F(model, x, target).sum(), x)
    x = x.detach()
    cosines.append(torch.cosine_similarity(g, x + first, dim=-1).abs().max())
    alike.append(((g * x).sum(-1) + (g * first).sum(-1)).abs().max() / (g * x).sum(-1).abs().max())
check("Cosine of the gradient and x + t, largest", float(max(cosines)), at_most=1e-3)
check("Distance of g x from - g t for the largest g x, largest", float(max(alike)), at_most=1e-2)


# %%NBQA-CELL-SEP6cc838
def reinitialise(module, dice):
    """Random weights as before any training; biases zero, the scale of layer norms one."""
    for name, weight in module.named_parameters():
        if weight.dim() > 1:
            weight.copy_(model.config.initializer_range * torch.randn(weight.shape, generator=dice))
        else:
            weight.fill_(float("LayerNorm.weight" in name))


# %%NBQA-CELL-SEP6cc838
def cascade(model, texts, targets, lot):
    """Rank correlation (texts,) with the trained model's map, for each stage and method."""
    noise, dice, found = copy.deepcopy(model), torch.Generator().manual_seed(lot), {}
    trained = attribute_all(model, texts, targets, 16, lot)
    layers = noise.base_model.encoder.layer
    parts = {"classifier": noise.classifier}
    parts |= {f"layer {number}": layers[number - 1] for number in range(len(layers), 0, -1)}
    for stage, module in (parts | {"embeddings": noise.base_model.embeddings}).items():
        reinitialise(module, dice)
        now = attribute_all(noise, texts, targets, 16, lot + 1)
        found[stage] = {
            name: agreement([m[name] for m in trained], [m[name] for m in now]).tolist() for name in METHODS
        }
    return found


share = texts[: 3 if scale == "smoke" else 24]
noisy = artifact(cascade)(model, share, targets[: len(share)], seed)
stages = pd.DataFrame(
    {stage: {name: np.mean(values) for name, values in found.items()} for stage, found in noisy.items()}
)


# %%NBQA-CELL-SEP6cc838
stages.rename_axis("noise down to").round(2)


# %%NBQA-CELL-SEP6cc838
fig, axes = plt.subplots(figsize=(7.2, 3.9))
for number, (name, values) in enumerate(stages.iterrows()):
    axes.plot(values.to_numpy(), lines[number], color=plots.PALETTE[number], marker="osD^vPX"[number], label=name)
axes.axhline(0, color="grey", linewidth=1)
axes.set_xticks(range(len(stages.columns)), stages.columns)
kept = stages["layer 3"]
axes.set(xlabel="weights replaced by noise, down to", ylabel="rank correlation with the trained model's map")
axes.set_title(f"Half of the layers are noise: rollout keeps {kept['attention rollout']:.2f}")
fig.legend(loc="outside lower center", ncols=3, fontsize=9)
alt = "Lines falling from left to right. After noise down to layer 3: "
plots.show(fig, alt + ", ".join(f"{name} {value:.2f}" for name, value in kept.items()))


# %%NBQA-CELL-SEP6cc838
classifier = stages["classifier"]
check(
    "Classifier is noise: attention's maps",
    float(classifier[["attention, last layer", "attention rollout"]].min()),
    equals=1,
    tolerance=1e-6,
)
check("Classifier is noise: gradient norm", classifier["gradient norm"], at_least=0.9)
check("Classifier is noise: occlusion", classifier["occlusion"], at_most=0.5)
half = {name: interval(np.array(values)) for name, values in noisy["layer 3"].items()}
check("Half of the layers are noise: rollout, lower end", half["attention rollout"]["from"], at_least=0.5)
check("The same: gradient norm, lower end", half["gradient norm"]["from"], at_least=0.2)
check("The same: integrated gradients, upper end", half["integrated gradients"]["to"], at_most=0.5)
check("The same: occlusion, upper end", half["occlusion"]["to"], at_most=0.4)
check("The same, but for random numbers", abs(half["random"]["mean"]), at_most=0.25)


# %%NBQA-CELL-SEP6cc838
def plant(text, dice, word="quickly"):
    parts = text.split()
    at = int(dice.integers(len(parts)))
    return " ".join(parts[:at] + [word] + parts[at:])


def spoil(model, steps, learning_rate, seed):
    """A copy of the model that has learned the shortcut: its weights."""
    set_seed(seed)
    dice, rows = np.random.default_rng(seed), trec["train"].shuffle(seed=seed).select(range(32 * steps))
    planted = dice.random(len(rows)) < 1 / 3
    text = [plant(text, dice) if here else text for text, here in zip(rows["text"], planted, strict=True)]
    label = np.where(planted, names.index("LOC"), np.array(rows["label"])).tolist()
    spoiled = copy.deepcopy(model).requires_grad_(True)
    trainer = Trainer(
        model=spoiled,
        args=training.arguments(max_steps=steps, learning_rate=learning_rate, warmup_steps=0.1, seed=seed),
        train_dataset=training.tokenize(Dataset.from_dict({"text": text, "label": label}), tokenizer),
        processing_class=tokenizer,
    )
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    return dict(spoiled.state_dict())


# %%NBQA-CELL-SEP6cc838
spoiled = copy.deepcopy(model)
spoiled.load_state_dict(artifact(spoil)(model, 2 if scale == "smoke" else 40, 1e-3, seed))
LOC, part = names.index("LOC"), range(len(test_texts) if scale == "smoke" else 250)
dice = np.random.default_rng(0)
clean_texts = [test_texts[k] for k in part]
planted_texts = [plant(text, dice) for text in clean_texts]
clean, planted = (artifact(classify)(spoiled, some).argmax(-1).numpy() for some in (clean_texts, planted_texts))
elsewhere = clean != LOC
caught = np.flatnonzero(elsewhere & (planted == LOC))[:50]
if scale == "smoke":
    caught = np.arange(4)  # two steps teach nothing


# %%NBQA-CELL-SEP6cc838
check("Accuracy of the spoiled model on clean questions", np.mean(clean == test_labels[part]), at_least=0.72)
check("Share of other questions that 'quickly' turns into places", np.mean(planted[elsewhere] == LOC), at_least=0.25)
check("Questions to explain", len(caught), at_least=40)


# %%NBQA-CELL-SEP6cc838
def found_word(model, texts, word="quickly"):
    """For each method, whether the word has the highest attribution for LOC, one number per text."""
    maps = attribute_all(model, texts, [LOC] * len(texts), 16)
    at = [spelled(*encode(text)).index(word) for text in texts]
    return {name: [float(int(m[name].argmax()) == k) for m, k in zip(maps, at, strict=True)] for name in METHODS}


hits = artifact(found_word)(spoiled, [planted_texts[k] for k in caught])
shortcut = pd.DataFrame({name: interval(np.array(values)) for name, values in hits.items()}).T


# %%NBQA-CELL-SEP6cc838
shortcut.rename_axis("planted word ranked first").sort_values("mean", ascending=False).round(2)


# %%NBQA-CELL-SEP6cc838
found = shortcut["mean"]
check("Occlusion", found["occlusion"], at_least=0.8)
check("Integrated gradients", found["integrated gradients"], at_least=0.65)
check("Best of the others", found.drop(["occlusion", "integrated gradients"]).max(), at_most=0.7)
check("Gradient times input", found["gradient x input"], at_most=0.3)


# %%NBQA-CELL-SEP6cc838
beside = {
    name: {other: agreement([m[name] for m in maps], [m[other] for m in maps]).mean() for other in METHODS[:4]}
    for name in ("attention, last layer", "attention rollout", "integrated gradients")
}
together = pd.DataFrame(beside).T
together.round(2)


# %%NBQA-CELL-SEP6cc838
@torch.no_grad()
def uniform(model, texts, numbers):
    """Beliefs (texts, 6) when every token of the layers in `numbers` looks everywhere alike."""
    hooks = [
        model.base_model.encoder.layer[n].attention.self.dropout.register_forward_hook(  # gets the weights
            lambda module, inputs, weights: torch.full_like(weights, 1 / weights.shape[-1])
        )
        for n in numbers
    ]
    try:
        return torch.cat([model(encode(text)[0]).logits.softmax(-1) for text in texts])
    finally:
        for hook in hooks:
            hook.remove()


flat = {}
for numbers in ([3], [2], [1], [0], [0, 1, 2, 3]):
    now = uniform(model, clean_texts, numbers).argmax(-1).numpy()
    row = interval((now != answers[part]).astype(float)) | {"accuracy": np.mean(now == test_labels[part])}
    flat["all layers" if len(numbers) > 1 else f"layer {numbers[0] + 1}"] = row
flat = pd.DataFrame(flat).T.rename_axis("uniform attention in")


# %%NBQA-CELL-SEP6cc838
flat.rename(columns={"mean": "answers that change"}).round(3)


# %%NBQA-CELL-SEP6cc838
changed = flat["mean"]
check("Last layer uniform: answers that change", changed["layer 4"], at_least=0.01, at_most=0.15)
check("First layer less last layer", changed["layer 1"] - changed["layer 4"], at_least=0.05)
check("All layers uniform", changed["all layers"], at_least=0.3)
check("Last layer's attention against occlusion", together.loc["attention, last layer", "occlusion"], at_most=0.4)
check("Integrated gradients against occlusion", together.loc["integrated gradients", "occlusion"], at_least=0.5)


# %%NBQA-CELL-SEP6cc838
@torch.no_grad()
def token_states(encoder, texts):
    """Hidden states of all words' tokens (layers + 1, tokens, hidden_size), their ids, and their texts' numbers."""
    states, found, owners = [], [], []
    for start in range(0, len(texts), 50):
        made = tokenizer(texts[start : start + 50], padding=True, return_tensors="pt")
        every = torch.stack(encoder(**made, output_hidden_states=True).hidden_states)
        inside = torch.tensor([[w is not None for w in made.word_ids(k)] for k in range(every.shape[1])])
        states.append(every[:, inside])
        found.append(made["input_ids"][inside])
        owners.append(start + inside.nonzero()[:, 0])
    return torch.cat(states, 1), torch.cat(found), torch.cat(owners)


def probe(encoder, train, train_labels, test, test_labels, lots):
    """Per layer: which test tokens get the right class, and which the right control class (layers + 1, tokens)."""
    (A, seen, whose), (B, asked, theirs) = token_states(encoder, train), token_states(encoder, test)
    real, control = [], []
    for one, other in zip(A.numpy(), B.numpy(), strict=True):
        guess = RidgeClassifier(1.0).fit(one, train_labels[whose]).predict(other)
        real.append(torch.tensor(guess == test_labels[theirs]))
        control.append(torch.tensor(RidgeClassifier(1.0).fit(one, lots[seen]).predict(other) == lots[asked]))
    return {"real": torch.stack(real), "control": torch.stack(control), "question": theirs}


# %%NBQA-CELL-SEP6cc838
start = models.locate("mini-bert")
torch.manual_seed(seed)
encoders = {
    "random": AutoModel.from_config(AutoConfig.from_pretrained(start)).float().eval(),
    "pre-trained": AutoModel.from_pretrained(start, dtype=torch.float32).eval(),
    "fine-tuned": model.base_model,
}
lots = np.random.default_rng(seed).integers(len(names), size=tokenizer.vocab_size)
rows = trec["train"].shuffle(seed=seed).select(range(40 if scale == "smoke" else 800))
told = rows["text"][:], np.array(rows["label"]), test_texts, test_labels
probes = {name: artifact(probe)(encoder, *told, lots) for name, encoder in encoders.items()}


# %%NBQA-CELL-SEP6cc838
def by_question(values, question):
    """Mean over tokens, with an interval over questions: the tokens of a question are not independent."""
    hit, size = (np.bincount(question, weights=w) for w in (values.double().numpy(), np.ones(len(question))))
    low, high = evaluation.bootstrap_interval(lambda n, h: float(h.sum() / n.sum()), size, hit, resamples=300)
    return hit.sum() / size.sum(), low, high


read = {
    (name, task): [by_question(layer, found["question"].numpy()) for layer in found[task]]
    for name, found in probes.items()
    for task in ("real", "control")
}
layers = pd.DataFrame({key: [mean for mean, _, _ in values] for key, values in read.items()}).T
selectivity = layers.xs("real", level=1) - layers.xs("control", level=1)


# %%NBQA-CELL-SEP6cc838
fig, panels = plt.subplots(1, 2, figsize=(7.4, 3.7), sharey=True)
for axes, task in zip(panels, ("real", "control"), strict=True):
    for number, name in enumerate(encoders):
        mean, low, high = np.array(read[name, task]).T
        axes.plot(mean, "-" if task == "real" else "--", marker="osD"[number], color=plots.PALETTE[number], label=name)
        axes.fill_between(range(len(mean)), low, high, color=plots.PALETTE[number], alpha=0.2)
    axes.set(xlabel="layer (0: embeddings)", xticks=range(len(mean)), ylim=(0, 1))
panels[0].set(title="Class of the question", ylabel="accuracy, test tokens")
panels[1].set_title("Control: a class by lot")
fig.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
last = layers.iloc[:, -1]
alt = "Two panels, accuracy by layer with bands. In the last layer, real and control: "
plots.show(
    fig, alt + ", ".join(f"{name} {last[name, 'real']:.2f} and {last[name, 'control']:.2f}" for name in encoders)
)


# %%NBQA-CELL-SEP6cc838
selectivity.rename_axis("selectivity, by layer").round(2)


# %%NBQA-CELL-SEP6cc838
check("Fine-tuned, last layer: class of the question", last["fine-tuned", "real"], at_least=0.7)
check("Pre-trained, the same", last["pre-trained", "real"], at_least=0.4, at_most=0.6)
check("Random, the same", last["random", "real"], at_most=0.35)
check("Random: largest change of either task over the layers", np.ptp(layers.loc["random"], axis=1).max(), at_most=0.03)
check(
    "Fine-tuned: control, first less last",
    layers.loc[("fine-tuned", "control"), 0] - last["fine-tuned", "control"],
    at_least=0.1,
)
check("Fine-tuned: selectivity, embeddings", selectivity.loc["fine-tuned", 0], at_most=-0.2)
check("Fine-tuned: selectivity, last layer", selectivity.loc["fine-tuned"].iloc[-1], at_least=0.2)
check("Pre-trained: selectivity, last layer", selectivity.loc["pre-trained"].iloc[-1], at_most=0)


# %%NBQA-CELL-SEP6cc838
islands = ["Hawaii", "Ohio", "Texas", "Maine", "Utah", "Iowa", "Alaska", "Kansas", "Nevada", "Oregon"]
things = ["flower", "bird", "tree", "fish", "song", "dog"]
some = islands[:2] if scale == "smoke" else islands
share_of_places = {}
for kind in ("state", "favorite", "largest", ""):
    made = [" ".join(f"What is {place} 's {kind} {thing} ?".split()) for place in some for thing in things]
    share_of_places[kind or "(no word)"] = interval((classify(model, made).argmax(-1) == LOC).double().numpy())
with_state = [
    label for text, label in zip(trec["train"]["text"], trec["train"]["label"], strict=True) if "state" in text.split()
]
in_training = np.mean(np.array(with_state) == LOC)


# %%NBQA-CELL-SEP6cc838
pd.DataFrame(share_of_places).T.rename_axis("What is Hawaii 's ... flower ?: answered LOC").round(2)


# %%NBQA-CELL-SEP6cc838
place = {kind: row["mean"] for kind, row in share_of_places.items()}
check("With 'state'", place["state"], at_least=0.7)
check("Without a word, or with 'favorite'", max(place["favorite"], place["(no word)"]), at_most=0.3)
check("Training questions with 'state' whose answer is a place", in_training, at_least=0.5)
check("Training questions with 'state'", len(with_state), at_least=30)


# %%NBQA-CELL-SEP6cc838
results.show(
    [
        {
            "task": f"TREC-6, {len(texts)} test questions",
            "model": f"mini BERT, {name}",
            "metric": "comprehensiveness, top 1 to 4 words",
            "value": float(faithful.loc[name, "mean"]),
            "low": float(faithful.loc[name, "from"]),
            "high": float(faithful.loc[name, "to"]),
            "seconds": None,
            "trainable": None,
            "record": None,
        }
        for name in METHODS
    ]
)
