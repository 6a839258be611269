# %%NBQA-CELL-SEP964e67
# Installs the book's helper package where it is missing (Colab, Binder); does nothing elsewhere.
import importlib.util
import os
import subprocess
import sys

if importlib.util.find_spec("llm_finetuning") is None:
    package = os.environ.get("LLM_FINETUNING_PACKAGE", "git+https://github.com/llm-finetuning-book/llm-finetuning-book")
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", package], check=True)


# %%NBQA-CELL-SEP964e67
scale = "cpu"  # "smoke": seconds, wiring only; "cpu": what is printed here; "full": for a GPU
source = "packaged"  # "packaged": pip alone; "hub": bert-base-uncased and bert-base-cased from a model hub
seed = 1


# %%NBQA-CELL-SEP964e67
import itertools

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from datasets import concatenate_datasets
from scipy.optimize import minimize
from scipy.stats import t as t_distribution
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import (
    average_precision_score,
    f1_score,
    precision_recall_curve,
    precision_score,
    roc_auc_score,
    roc_curve,
)
from torch.nn.functional import binary_cross_entropy_with_logits, logsigmoid
from transformers import (
    AutoModel,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BertTokenizer,
    PrinterCallback,
    Trainer,
    set_seed,
)


# %%NBQA-CELL-SEP964e67
from llm_finetuning import evaluation, models, plots, records, results, runtime, tasks, training
from llm_finetuning.artifacts import artifact
from llm_finetuning.checks import check

runtime.start(scale, source, seed)


# %%NBQA-CELL-SEP964e67
sms = tasks.load("sms_spam", source)
pool = concatenate_datasets([sms["train"], sms["validation"]])  # every draw below makes its own validation part
texts, spam = pool["text"][:], np.array(pool["label"])
asked, wanted = sms["test"]["text"][:], np.array(sms["test"]["label"])


# %%NBQA-CELL-SEP964e67
tasks.card("sms_spam", sms, source)


# %%NBQA-CELL-SEP964e67
check("Messages", len(texts) + len(asked), equals=4801)
check("Spam among them", int(spam.sum() + wanted.sum()), equals=403)
check("Spam in the test set", int(wanted.sum()), equals=126)


# %%NBQA-CELL-SEP964e67
def draw(rare, seed, y=spam):
    """Numbers of the training and validation examples of one draw, with `rare` rare ones in training."""
    dice = np.random.default_rng(seed)
    common, few = (dice.permutation(np.flatnonzero(y == label)) for label in (0, 1))
    cut = 2 * len(common) // 3
    train = np.concatenate([common[:cut], few[:rare]])
    return train, np.concatenate([common[cut:], few[rare : rare + rare // 2]])  # validation: as rare as training


def resample(train, method, seed, y=spam):
    """The training examples, with rare ones repeated or common ones thinned out until both are equally many."""
    dice = np.random.default_rng(seed)
    common, few = train[y[train] == 0], train[y[train] == 1]
    if method == "over-sampling":
        few = np.concatenate([few, dice.choice(few, len(common) - len(few))])
    if method == "under-sampling":
        common = dice.choice(common, len(few), replace=False)
    return np.concatenate([common, few])


# %%NBQA-CELL-SEP964e67
def focal(z, y, gamma=2.0):
    """Focal loss of each example: cross-entropy times (1 - p) ** gamma, p the belief in the right class."""
    log_p = logsigmoid(torch.where(y == 1, z, -z))  # (batch,)
    return -((1 - log_p.exp()) ** gamma) * log_p


def losses(z, y, method, rate):
    """One loss per example, (batch,), of the logits z and labels y, for a rare class of the share `rate`."""
    if method == "focal loss":
        return focal(z, y)
    if method == "logit adjustment":
        z = z + np.log(rate / (1 - rate))
    loss = binary_cross_entropy_with_logits(z, y, reduction="none")
    if method == "weighted loss":
        loss = loss * torch.where(y == 1, 0.5 / rate, 0.5 / (1 - rate))  # the weights' mean is 1
    return loss


METHODS = ["naive", "weighted loss", "focal loss", "over-sampling", "under-sampling", "logit adjustment"]
BALANCED = ["weighted loss", "over-sampling", "under-sampling", "logit adjustment"]  # they learn as if half were rare


# %%NBQA-CELL-SEP964e67
def fit(X, y, method, rate, decay):
    """Weights and bias, (features + 1,), of a linear classifier of the rows of X, for any of the losses."""
    y = torch.tensor(y, dtype=torch.float64)

    def objective(w):
        z = torch.tensor(X @ w[:-1] + w[-1], requires_grad=True)  # (examples,)
        loss = losses(z, y, method, rate).mean()
        loss.backward()
        slope = z.grad.numpy()
        value = loss.item() + decay / 2 * w[:-1] @ w[:-1]
        return value, np.append(X.T @ slope + decay * w[:-1], slope.sum())

    return minimize(objective, np.zeros(X.shape[1] + 1), jac=True, method="L-BFGS-B", options={"maxiter": 500}).x


# %%NBQA-CELL-SEP964e67
def rarer(y, rate):
    """Weights of examples with labels y, (examples,), that make the rare class a share `rate` of them."""
    return np.where(y == 1, rate / (1 - rate) * np.sum(y == 0) / np.sum(y == 1), 1.0)


def best_threshold(z, y, w=None):
    """The logit above which a "yes" gives the highest F1; of equally good ones, the middle."""
    w = np.ones(len(y)) if w is None else w
    order = np.argsort(-z, kind="stable")
    hits, yes = np.cumsum((w * y)[order]), np.cumsum(w[order])
    f1 = 2 * hits / (yes + np.sum(w * y))
    best = np.flatnonzero(f1 >= f1.max() - 1e-12)
    k = best[len(best) // 2]
    return (z[order[k]] + z[order[min(k + 1, len(z) - 1)]]) / 2


def log_loss(z, y, w):
    """Mean of -log p of the right class, by weights."""
    return np.average(np.logaddexp(0, np.where(y == 1, -z, z)), weights=w)


# %%NBQA-CELL-SEP964e67
def scores(z, y, threshold, method, rate):
    """What this page compares, of the logits z of test examples, as if a share `rate` of these were rare."""
    w = rarer(y, rate)
    found = {"AP": average_precision_score(y, z, sample_weight=w), "ROC area": roc_auc_score(y, z)}
    found["AP at 1 %"] = average_precision_score(y, z, sample_weight=rarer(y, 0.01))
    cuts = {"at 0.5": 0.0, "threshold by validation": threshold, "threshold by test": best_threshold(z, y, w)}
    for name, cut in cuts.items():
        found[f"F1, {name}"] = f1_score(y, z >= cut, sample_weight=w, zero_division=0)
    found["recall at 0.5"] = np.mean(z[y == 1] >= 0)
    found["precision at 0.5"] = precision_score(y, z >= 0, sample_weight=w, zero_division=0)
    found |= {"mean belief": np.average(1 / (1 + np.exp(-z)), weights=w), "log loss": log_loss(z, y, w)}
    back = np.log(rate / (1 - rate)) if method in BALANCED else 0.0
    found |= {"mean belief, corrected": np.average(1 / (1 + np.exp(-z - back)), weights=w)}
    found |= {"log loss, corrected": log_loss(z + back, y, w)}
    return {name: round(float(value), 5) for name, value in found.items()}


# %%NBQA-CELL-SEP964e67
def features(kind):
    """Rows of numbers for the texts of the pool and of the test set: word counts, or the frozen encoder's output."""
    if kind == "words":
        counts = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"\b\w+\b").fit(texts)
        return counts.transform(texts), counts.transform(asked)
    name = models.locate("encoder", source)
    tokenizer, encoder = AutoTokenizer.from_pretrained(name), AutoModel.from_pretrained(name).eval()
    everything = texts + asked
    order = np.argsort([len(text) for text in everything], kind="stable")  # like lengths share a batch
    rows = torch.zeros(len(everything), encoder.config.hidden_size)
    for batch in np.array_split(order, len(order) // 64 + 1):
        fed = tokenizer(
            [everything[i] for i in batch], padding=True, truncation=True, max_length=64, return_tensors="pt"
        )
        mask = fed["attention_mask"][:, :, None]  # (batch, tokens, 1)
        with torch.no_grad():
            hidden = encoder(**fed).last_hidden_state  # (batch, tokens, hidden)
        rows[batch] = (hidden * mask).sum(1) / mask.sum(1)
    unit = torch.nn.functional.normalize(rows).double().numpy()
    return unit[: len(texts)], unit[len(texts) :]


# %%NBQA-CELL-SEP964e67
def smote(X, size, seed, neighbours=5):
    """`size` new rows, each on the line between a row of X and one of its nearest neighbours."""
    dice = np.random.default_rng(seed)
    near = np.argsort(((X[:, None] - X[None]) ** 2).sum(-1), axis=1)[:, 1 : neighbours + 1]  # (rows, neighbours)
    one = dice.integers(len(X), size=size)
    other = near[one, dice.integers(near.shape[1], size=size)]
    return X[one] + dice.random((size, 1)) * (X[other] - X[one])


# %%NBQA-CELL-SEP964e67
def classify(X, T, rare, seed, method):
    """Scores of a linear classifier of one draw; of three weight decays, the best on validation is kept."""
    train, held = draw(rare, seed)
    rate = float(spam[train].mean())
    chosen = resample(train, method, seed)
    x, y = X[chosen], spam[chosen]
    if method == "SMOTE":
        new = smote(X[train[spam[train] == 1]], int(np.sum(y == 0)) - rare, seed)
        x, y = np.concatenate([x, new]), np.append(y, np.ones(len(new)))
    best, kept = -1.0, None
    for decay in (1e-3, 1e-4, 1e-5):
        w = fit(x, y, method, rate, decay)
        z = X[held] @ w[:-1] + w[-1]
        reached = float(average_precision_score(spam[held], z))
        if reached > best:
            best, kept, threshold = reached, w, best_threshold(z, spam[held])
    return scores(T @ kept[:-1] + kept[-1], wanted, threshold, method, rate) | {"validation AP": round(best, 5)}


def compare(kind, sizes, methods, draws):
    """One row of scores for each number of rare examples, draw and method."""
    X, T = features(kind)
    every = itertools.product(sizes, range(1, draws + 1), methods)
    rows = [{"rare": n, "draw": seed, "method": method} | classify(X, T, n, seed, method) for n, seed, method in every]
    return {"rows": rows}


# %%NBQA-CELL-SEP964e67
def fine_tune(method, rare, seed, learning_rate, max_steps):
    """Scores of the small encoder, all of its weights fine-tuned on one draw."""
    set_seed(seed)
    train, held = draw(rare, seed)
    rate = float(spam[train].mean())
    name = models.locate("mini-bert", source)
    tokenizer = BertTokenizer.from_pretrained(name)
    model = AutoModelForSequenceClassification.from_pretrained(name, num_labels=2, dtype=torch.float32)
    args = training.arguments(
        per_device_train_batch_size=16, max_steps=max_steps, learning_rate=learning_rate, warmup_steps=0.1, seed=seed,
    )  # fmt: skip
    chosen = resample(train, method, seed)
    trainer = Trainer(
        model=model,
        args=args,
        train_dataset=training.tokenize(pool.select(chosen), tokenizer, max_length=64),
        processing_class=tokenizer,
        compute_loss_func=lambda out, labels, **_: losses(log_odds(out.logits), labels.float(), method, rate).mean(),
    )
    trainer.remove_callback(PrinterCallback)  # its lines would end up on the page
    trainer.train()
    trainer.args.train_sampling_strategy = "sequential"  # or the answers come back in another order
    parts = {"validation": pool.select(held), "test": sms["test"]}
    fed = {part: training.tokenize(rows, tokenizer, max_length=64) for part, rows in parts.items()}
    z = {part: log_odds(trainer.predict(rows).predictions).astype(float) for part, rows in fed.items()}
    found = scores(z["test"], wanted, best_threshold(z["validation"], spam[held]), method, rate)
    return found | {"validation AP": float(average_precision_score(spam[held], z["validation"]))}


# %%NBQA-CELL-SEP964e67
def log_odds(logits):
    """The logit z of the rare class against the other, (batch,), of two logits, (batch, 2)."""
    return logits[:, 1] - logits[:, 0]


# %%NBQA-CELL-SEP964e67
draws = 2 if scale == "smoke" else 15
few = pd.DataFrame(artifact(compare)("words", [20], METHODS, draws)["rows"])


# %%NBQA-CELL-SEP964e67
rate = float(spam[draw(20, 1)[0]].mean())
SHOWN = ["AP", "F1, at 0.5", "precision at 0.5", "recall at 0.5", "F1, threshold by validation"]


def overview(rows):
    """Means over the draws, a row per method."""
    return rows.groupby("method", sort=False)[SHOWN].mean()


overview(few).round(3)


# %%NBQA-CELL-SEP964e67
def against_naive(rows, column):
    """For each method: the mean difference to naive on the same draws, and its 95 % interval over draws."""
    wide = rows.pivot(index="draw", columns="method", values=column)[list(rows["method"].unique())]
    gaps = wide.sub(wide["naive"], axis=0).drop(columns="naive")
    half = t_distribution.ppf(0.975, len(gaps) - 1) * gaps.std() / np.sqrt(len(gaps))
    return pd.DataFrame({"difference": gaps.mean(), "from": gaps.mean() - half, "to": gaps.mean() + half})


# %%NBQA-CELL-SEP964e67
def forest(rows, title):
    """For three metrics, each method's difference to naive with its interval."""
    fig, axes = plt.subplots(1, 3, figsize=(10, 3.1), sharey=True)
    for ax, column in zip(axes, ("AP", "F1, at 0.5", "F1, threshold by validation"), strict=True):
        gaps = against_naive(rows, column)[::-1]
        for k, (_, gap) in enumerate(gaps.iterrows()):
            ax.plot([gap["from"], gap["to"]], [k, k], color=plots.PALETTE[0], linewidth=2.5)
            ax.plot(gap["difference"], k, "o", color=plots.PALETTE[0])
        ax.axvline(0, color="grey", linewidth=1)
        ax.set(yticks=range(len(gaps)), yticklabels=gaps.index, xlabel="less naive (95 % over draws)")
        ax.set_title(column, fontsize=11)
    fig.suptitle(title, x=0.01, ha="left", fontweight="bold")
    return fig


moved = against_naive(few, "F1, at 0.5")["difference"]
fig = forest(few, f"F1 at 0.5 moves by up to {moved.abs().max():.2f}, average precision hardly")
alt = "Three panels of differences to the naive model with intervals. At the threshold 0.5 F1 changes most: "
plots.show(fig, alt + "; ".join(f"{name} {gap:+.2f}" for name, gap in moved.items()))


# %%NBQA-CELL-SEP964e67
ap, half_f1 = against_naive(few, "AP"), against_naive(few, "F1, at 0.5")
by_validation = against_naive(few, "F1, threshold by validation")
means = overview(few)
check("Accuracy of never saying spam, at the training rate", 1 - rate, at_least=0.99)
check("Naive: F1 at 0.5", means.loc["naive", "F1, at 0.5"], at_most=0.05)
check("Naive: average precision", means.loc["naive", "AP"], at_least=0.6)
others = ap["difference"].drop("under-sampling").abs()
check("Average precision: largest difference to naive but for under-sampling", others.max(), at_most=0.02)
check("Under-sampling: upper end of its difference", ap.loc["under-sampling", "to"], at_most=-0.02)
check("Logit adjustment: F1 gained at 0.5, lower end", half_f1.loc["logit adjustment", "from"], at_least=0.2)
check("Logit adjustment: recall at 0.5", means.loc["logit adjustment", "recall at 0.5"], at_least=0.55)
check("Weighted loss: recall at 0.5", means.loc["weighted loss", "recall at 0.5"], at_most=0.15)
same = by_validation["difference"].drop("under-sampling").abs()
check("F1 by validation: largest difference to naive but for under-sampling", same.max(), at_most=0.06)
check("Naive: F1 by validation", means.loc["naive", "F1, threshold by validation"], at_least=0.45)


# %%NBQA-CELL-SEP964e67
X, T = features("words")
rows = []
for decay, seed in itertools.product((1e-1, 1e-2, 1e-3, 1e-4), range(1, 2 if scale == "smoke" else 6)):
    train, _ = draw(20, seed)
    w = fit(X[train], spam[train], "weighted loss", float(spam[train].mean()), decay)
    z_train, z = X[train] @ w[:-1] + w[-1], T @ w[:-1] + w[-1]
    rows.append({"weight decay": decay, "recall in training": np.mean(z_train[spam[train] == 1] >= 0)})
    rows[-1] |= scores(z, wanted, 0.0, "weighted loss", float(spam[train].mean()))
by_decay = pd.DataFrame(rows).groupby("weight decay", sort=False).mean()


# %%NBQA-CELL-SEP964e67
by_decay[["recall in training", "recall at 0.5", "AP"]].round(3)


# %%NBQA-CELL-SEP964e67
check("Recall of training spam, lowest of the four decays", by_decay["recall in training"].min(), at_least=0.99)
check("Recall of new spam, highest of the four", by_decay["recall at 0.5"].max(), at_most=0.15)


# %%NBQA-CELL-SEP964e67
recorded = records.load("imbalanced-data-frozen", compare)
frozen = pd.DataFrame([row for rows in recorded["rows"] for row in rows])


# %%NBQA-CELL-SEP964e67
overview(frozen.query("rare == 20")).round(3)


# %%NBQA-CELL-SEP964e67
by_method = frozen.query("rare == 20").groupby("method")["F1, at 0.5"].mean()
fig = forest(
    frozen.query("rare == 20"), f"Frozen encoder: F1 at 0.5 goes from {by_method.min():.2f} to {by_method.max():.2f}"
)
alt = "Three panels of differences to the naive model. Average precision: all at zero but under-sampling, far below. "
alt += "F1 at 0.5: weighted loss, over-sampling and SMOTE far above zero, under-sampling and logit adjustment below. "
plots.show(fig, alt + "F1 with validation's threshold: all at zero but under-sampling.")


# %%NBQA-CELL-SEP964e67
main = frozen.query("rare == 20")
ap2, half2, val2 = (against_naive(main, c) for c in ("AP", "F1, at 0.5", "F1, threshold by validation"))
means2 = overview(main)
rest = ap2.drop("under-sampling")
check(
    "Average precision: largest difference to naive but for under-sampling",
    rest["difference"].abs().max(),
    at_most=0.01,
)
check(
    "Intervals of these differences that leave out zero", int(((rest["from"] > 0) | (rest["to"] < 0)).sum()), equals=0
)
check("Under-sampling: average precision lost, at least", -ap2.loc["under-sampling", "to"], at_least=0.1)
for name in ("weighted loss", "over-sampling", "SMOTE"):
    check(f"{name}: F1 gained at 0.5, lower end", half2.loc[name, "from"], at_least=0.1)
check("Logit adjustment: F1 at 0.5, upper end of the difference", half2.loc["logit adjustment", "to"], at_most=-0.05)
check("Logit adjustment: recall at 0.5", means2.loc["logit adjustment", "recall at 0.5"], at_least=0.85)
check("Logit adjustment: precision at 0.5", means2.loc["logit adjustment", "precision at 0.5"], at_most=0.2)
check("F1 by validation: largest difference", val2["difference"].drop("under-sampling").abs().max(), at_most=0.01)
first = few[few["draw"] <= 10].query("method == 'naive'")["AP"].mean()
check("Encoder less word counts, naive, same draws", means2.loc["naive", "AP"] - first, at_least=0.03)
plenty = against_naive(frozen.query("rare == 100"), "F1, at 0.5").loc["weighted loss"]
check("Weighted loss with 100 rare examples: F1 gained at 0.5, upper end", plenty["to"], at_most=0.03)
apart = (ap["difference"] - ap2["difference"].drop("SMOTE")).abs()
check("AP less naive: live on word counts against recorded on the encoder, largest gap", apart.max(), at_most=0.1)


# %%NBQA-CELL-SEP964e67
tuned = records.load("imbalanced-data-fine-tuning", fine_tune).rename(columns={"seed": "draw"})
overview(tuned).round(3)


# %%NBQA-CELL-SEP964e67
by_seed = tuned.set_index(["method", "draw"])["AP"]
plain, heavy = by_seed["naive"], by_seed["weighted loss"]
check("Naive: F1 at 0.5, best of three", tuned.query("method == 'naive'")["F1, at 0.5"].max(), at_most=0.05)
check("Naive: average precision, worst of three", plain.min(), at_least=0.4)
check("Naive: range over three draws", plain.max() - plain.min(), at_least=0.2)
check("Weighted loss: the second of three", heavy.sort_values().iloc[1], at_most=0.05)
check("Best run of all, less the frozen encoder's mean", by_seed.max() - means2.loc["naive", "AP"], at_most=0)
twice = by_seed["over-sampling"].sort_values()
check("Over-sampling: the worst of three", twice.iloc[0], at_most=0.15)
found = tuned.query("method == 'over-sampling'")["recall at 0.5"].sort_values()
check("Over-sampling: recall at 0.5 of the other two, lower", found.iloc[1], at_least=0.55)
check("Every over-sampled run less the naive one of its draw", (by_seed["over-sampling"] - plain).max(), at_most=-0.05)


# %%NBQA-CELL-SEP964e67
here = artifact(fine_tune)("naive", 20, 1, 1e-3, 2 if scale == "smoke" else 150)
there = tuned.query("method == 'naive' and draw == 1").iloc[0]
check("Average precision, here less recorded", abs(here["AP"] - there["AP"]), at_most=0.3)


# %%NBQA-CELL-SEP964e67
BELIEFS = ["mean belief", "mean belief, corrected", "log loss", "log loss, corrected"]
beliefs = {"words": few, "encoder": frozen.query("rare == 20")}
always = -(rate * np.log(rate) + (1 - rate) * np.log(1 - rate))
print(f"share of spam {rate:.4f}; log loss of always believing just that: {always:.4f}")
pd.concat({name: rows.groupby("method", sort=False)[BELIEFS].mean() for name, rows in beliefs.items()}).round(3)


# %%NBQA-CELL-SEP964e67
believed = main.groupby("method", sort=False)[BELIEFS].mean()
loss, repaired = believed["log loss"], believed["log loss, corrected"]
check("Naive, encoder: log loss for one of always believing the rate", loss["naive"] / always, at_most=0.6)
for name in BALANCED:
    check(f"{name}: mean belief for one of the true share", believed.loc[name, "mean belief"] / rate, at_least=3)
    check(f"{name}: log loss for one of naive", loss[name] / loss["naive"], at_least=1.5)
    check(f"{name}: corrected, for one of before", repaired[name] / loss[name], at_most=0.85)
    check(f"{name}: corrected, less naive", repaired[name] - loss["naive"], at_least=-0.002, at_most=0.02)
check(
    "Logit adjustment, corrected, less naive",
    repaired["logit adjustment"] - loss["naive"],
    at_least=-0.002,
    at_most=0.002,
)
check("Focal loss: mean belief for one of the true share", believed.loc["focal loss", "mean belief"] / rate, at_least=4)
words = few.groupby("method")[BELIEFS].mean().loc["weighted loss"]
check(
    "Word counts, weighted: log loss, corrected less before",
    words["log loss, corrected"] - words["log loss"],
    at_least=0.005,
)


# %%NBQA-CELL-SEP964e67
check(
    "Naive: mean belief for one of the true share",
    believed.loc["naive", "mean belief"] / rate,
    at_least=0.5,
    at_most=1.2,
)
for name in ("under-sampling", "logit adjustment"):
    check(f"{name}: mean belief for one of the true share", believed.loc[name, "mean belief"] / rate, at_least=10)
    check(f"{name}: log loss for one of always believing the rate", loss[name] / always, at_least=2)
check("Under-sampling: corrected, for one of before", repaired["under-sampling"] / loss["under-sampling"], at_most=0.2)
for name in ("weighted loss", "over-sampling"):
    check(
        f"{name}: belief, corrected, for one of the true share",
        believed.loc[name, "mean belief, corrected"] / rate,
        at_most=0.5,
    )


# %%NBQA-CELL-SEP964e67
sizes = [5, 10, 40, 80, 160]
more = pd.DataFrame(artifact(compare)("words", sizes, ["naive"], 2 if scale == "smoke" else 8)["rows"])
more = pd.concat([more, few[few["method"] == "naive"]])


# %%NBQA-CELL-SEP964e67
fig, axes = plt.subplots(figsize=(7.2, 4))
lines = {"word counts, naive": (more, "naive", "o-", 1)}
for name, style, colour in (("naive", "s-", 0), ("weighted loss", "^--", 2), ("under-sampling", "x:", 4)):
    lines[f"frozen encoder, {name}"] = (frozen, name, style, colour)
for name, (rows, method, style, colour) in lines.items():
    line = rows[rows["method"] == method].groupby("rare")["AP at 1 %"]
    error = 2 * line.std() / np.sqrt(line.count())
    axes.errorbar(line.mean().index, line.mean(), error, fmt=style, color=plots.PALETTE[colour], capsize=2, label=name)
axes.set(xscale="log", xlabel="rare examples in training (log scale)", ylabel="average precision, 1 % of the test rare")
axes.set_xticks([5, 10, 20, 40, 80, 160], ["5", "10", "20", "40", "80", "160"])
axes.set_xticks([], minor=True)
axes.legend(fontsize=9)
growth = frozen[frozen["method"] == "naive"].groupby("rare")["AP at 1 %"].mean()
counted = more.groupby("rare")["AP at 1 %"].mean()
ends = (counted[20], counted[max(counted.index)], growth[20], growth[160])
axes.set_title(
    "20 to 160 rare examples: {:.2f} to {:.2f} on words, {:.2f} to {:.2f} on the encoder".format(*ends), size=11
)
alt = "Average precision climbs with the number of rare examples, steeply up to 20. On the frozen encoder naive and "
plots.show(
    fig,
    alt + "weighted loss lie on each other, under-sampling clearly below; word counts start lowest and end highest.",
)


# %%NBQA-CELL-SEP964e67
by_size = frozen[frozen["method"] == "naive"].groupby("rare")["AP at 1 %"].mean()
by_words = more.groupby("rare")["AP at 1 %"].mean()
check("Encoder, naive: from 5 rare examples to 20", by_size[20] - by_size[5], at_least=0.15)
check("From 20 to 160", by_size[160] - by_size[20], at_least=0.05)
check("Word counts: from 20 to 160", by_words[160] - by_words[20], at_least=0.05)
weighted = frozen[frozen["method"] == "weighted loss"].groupby("rare")["AP at 1 %"].mean()
check("Weighted less naive, largest gap at any size", (weighted - by_size).abs().max(), at_most=0.015)
thinned = frozen[frozen["method"] == "under-sampling"].groupby("rare")["AP at 1 %"].mean()
check("Under-sampling less naive, at every size at most", (thinned - by_size).max(), at_most=-0.05)
check("Encoder less word counts, 5 rare examples", by_size[5] - by_words[5], at_least=0.15)
check("Word counts less encoder, 40 and 160", by_words[40] - by_size[40], at_least=-0.02)
check("Word counts less encoder, 160", by_words[160] - by_size[160], at_least=0.03)


# %%NBQA-CELL-SEP964e67
chosen, _ = draw(20, 1)
w = fit(X[chosen], spam[chosen], "naive", rate, 1e-4)
z_words = T @ w[:-1] + w[-1]
shares = (float(wanted.mean()), 0.01)
areas = {s: average_precision_score(wanted, z_words, sample_weight=rarer(wanted, s)) for s in shares}
roc = float(roc_auc_score(wanted, z_words))


# %%NBQA-CELL-SEP964e67
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8))
for share, style, colour in zip(shares, ("-", "--"), (0, 2), strict=True):
    by = {"sample_weight": rarer(wanted, share)}
    false, true, _ = roc_curve(wanted, z_words, **by)
    precision, recall, _ = precision_recall_curve(wanted, z_words, **by)
    left.plot(false, true, style, color=plots.PALETTE[colour], label=f"{share:.1%} rare")
    right.plot(recall, precision, style, color=plots.PALETTE[colour], label=f"{share:.1%} rare: {areas[share]:.2f}")
left.set(xlabel="share of ham called spam", ylabel="recall", title=f"ROC: area {roc:.2f} for both")
right.set(xlabel="recall", ylabel="precision", title="Average precision is not the same", ylim=(0, 1.05))
for ax in (left, right):
    ax.legend(loc="lower right" if ax is left else "lower left")
alt = (
    f"Left, two ROC curves that lie on each other. Right, precision against recall at {shares[0]:.1%} and at 1 % spam: "
)
plots.show(fig, alt + "the curve of the rarer spam lies lower.")


# %%NBQA-CELL-SEP964e67
check("Area under ROC", roc, at_least=0.93)
check("Average precision as the test set is", areas[shares[0]], at_least=0.75)
check("Lost when one in a hundred is spam", areas[shares[0]] - areas[0.01], at_least=0.08)


# %%NBQA-CELL-SEP964e67
def width(found, seed, repeats=5):
    """Mean width of the 95 % bootstrap interval of F1 with `found` spam messages among the test texts."""
    dice, widths = np.random.default_rng(seed), []
    for _ in range(repeats):
        some = np.concatenate([np.flatnonzero(wanted == 0), dice.choice(np.flatnonzero(wanted), found, replace=False)])
        low, high = evaluation.bootstrap_interval(f1_of, wanted[some], z_words[some] >= cut, resamples=300)
        widths.append(high - low)
    return float(np.mean(widths))


def f1_of(references, predictions):
    hits = np.sum(references * predictions)
    return float(2 * hits / max(1, np.sum(references) + np.sum(predictions)))


cut = best_threshold(z_words, wanted)
widths = {found: width(found, seed) for found in (5, 9, 20, 40, 80, 120)}


# %%NBQA-CELL-SEP964e67
pd.Series(widths, name="width of F1's interval").rename_axis("rare test examples").to_frame().round(2)


# %%NBQA-CELL-SEP964e67
check("Width with 9 rare test examples", widths[9], at_least=0.33)
check("Width with 120", widths[120], at_most=0.2)
check("Width with 9 for one with 120", widths[9] / widths[120], at_least=2)


# %%NBQA-CELL-SEP964e67
def headline(rows, model, trainable, record):
    """The naive model's mean average precision with its interval over draws, for twenty rare examples."""
    values = rows.query("method == 'naive' and rare == 20")["AP"]
    half = float(t_distribution.ppf(0.975, len(values) - 1) * values.std() / np.sqrt(len(values)))
    middle = float(values.mean())
    found = {"value": middle, "low": middle - half, "high": middle + half, "seconds": None, "trainable": trainable}
    where = {"task": "SMS spam, test at 1 %, 20 rare in training", "metric": "average precision, mean of draws"}
    return where | {"model": model} | found | {"record": record}


results.show(
    [
        headline(few, "word counts, linear", None, None),
        headline(frozen, "frozen encoder, linear probe", 385, "imbalanced-data-frozen"),
        headline(tuned, "mini-bert, full fine-tuning", None, "imbalanced-data-fine-tuning"),
    ]
)


# %%NBQA-CELL-SEP964e67
def leak(seed):
    """Scores on a fifth of the messages: over-sampled before that fifth was split off, or afterwards."""
    dice = np.random.default_rng(seed)
    mine = np.concatenate(draw(20, seed))  # 30 spam messages in 3,024 + 30
    found = {}
    for name in ("before", "after"):
        rows = resample(mine, "over-sampling", seed) if name == "before" else mine
        rows = dice.permutation(rows)
        held, train = rows[: len(rows) // 5], rows[len(rows) // 5 :]
        train = train if name == "before" else resample(train, "over-sampling", seed)
        w = fit(X[train], spam[train], "over-sampling", rate, 1e-4)
        for place, rows_, y in (("its own test part", X[held], spam[held]), ("new messages", T, wanted)):
            z = rows_ @ w[:-1] + w[-1]
            precise = average_precision_score(y, z, sample_weight=rarer(y, 0.01))
            found[name, place] = {"recall": np.mean(z[y == 1] >= 0), "AP at 1 %": precise}
    return pd.DataFrame(found).T


leaks = [leak(s) for s in range(1, 3 if scale == "smoke" else 9)]


# %%NBQA-CELL-SEP964e67
(sum(leaks) / len(leaks)).round(3)


# %%NBQA-CELL-SEP964e67
mean_leak = sum(leaks) / len(leaks)
fake, new = mean_leak.loc[("before", "its own test part")], mean_leak.loc[("before", "new messages")]
check("Recall on its own test part, over-sampled before the split", fake["recall"], at_least=0.99)
check("Average precision there", fake["AP at 1 %"], at_least=0.97)
check(
    "Its recall there, of the model split first", mean_leak.loc[("after", "its own test part"), "recall"], at_most=0.3
)
check("The first model's recall on new messages", new["recall"], at_most=0.3)
check("Its average precision on them", new["AP at 1 %"], at_most=0.85)


# %%NBQA-CELL-SEP964e67
trec = tasks.load("trec", source)
names = trec["test"].features["label"].names
answers = np.array(trec["test"]["label"])
runs = records.load("transformers-trainer-results").query("task == 'trec'")
guesses = [np.array(run) for run in runs["predictions"]]


def macro(references, predictions):
    return float(f1_score(references, predictions, labels=range(6), average="macro", zero_division=0))


def abbr(references, predictions):
    return float(f1_score(references == names.index("ABBR"), predictions == names.index("ABBR"), zero_division=0))


def accuracy(references, predictions):
    return float(np.mean(references == predictions))


# %%NBQA-CELL-SEP964e67
rows = {}
for metric in (accuracy, macro, abbr):
    low, high = evaluation.bootstrap_interval(metric, answers, guesses[0], resamples=300)
    rows[metric.__name__] = {f"seed {k + 1}": metric(answers, guess) for k, guess in enumerate(guesses)}
    rows[metric.__name__] |= {"from": low, "to": high}
small_class = pd.DataFrame(rows).T
small_class.round(3)


# %%NBQA-CELL-SEP964e67
k = names.index("ABBR")
check("ABBR in the test set", int(np.sum(answers == k)), equals=9)
for seed_, right in ((0, 9), (1, 8)):
    check(f"ABBR found with seed {seed_ + 1}", int(np.sum((answers == k) & (guesses[seed_] == k))), equals=right)
check("Seed 2: questions called ABBR", int(np.sum(guesses[1] == k)), equals=9)
check(
    "Width of the bootstrap interval of a perfect nine",
    small_class.loc["abbr", "to"] - small_class.loc["abbr", "from"],
    equals=0,
)
check("Exact lower end of the recall, 9 of 9", 0.025 ** (1 / 9), at_least=0.65, at_most=0.68)
fell = small_class["seed 1"] - small_class["seed 2"]
check("Lost with seed 2: macro-F1 for one of accuracy", fell["macro"] / fell["accuracy"], at_least=3)
best = main.groupby("method")["F1, threshold by test"].mean()["naive"]
check(
    "Encoder, naive: F1 with the test's own threshold, less with validation's",
    best - means2.loc["naive", "F1, threshold by validation"],
    at_least=0.04,
)
