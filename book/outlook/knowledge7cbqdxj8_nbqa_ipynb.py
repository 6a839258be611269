# %%NBQA-CELL-SEPacaf5d
# Installs the book's helper package where it is missing (Colab, Binder); does nothing elsewhere.
import importlib.util
import os
import subprocess
import sys

if importlib.util.find_spec("llm_finetuning") is None:
    package = os.environ.get("LLM_FINETUNING_PACKAGE", "git+https://github.com/llm-finetuning-book/llm-finetuning-book")
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", package], check=True)


# %%NBQA-CELL-SEPacaf5d
scale = "cpu"  # "smoke": seconds, wiring only; "cpu": what is printed here; "full": for a GPU
source = "packaged"  # "packaged": pip alone; "hub": bert-base-uncased, GPT-2 and WikiText-2 from a model hub
seed = 1


# %%NBQA-CELL-SEPacaf5d
import re
import string
from collections import Counter

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from sklearn.cluster import KMeans
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from transformers import AutoModel, AutoModelForCausalLM, AutoTokenizer

from llm_finetuning import corpora, evaluation, models, plots, questions, records, results, runtime, tasks
from llm_finetuning.artifacts import artifact
from llm_finetuning.checks import check

runtime.start(scale, source, seed)
model_name = models.locate("encoder", source)
tokenizer = AutoTokenizer.from_pretrained(model_name)


# %%NBQA-CELL-SEPacaf5d
wikitext = corpora.load("wikitext-2", source)


def paragraphs(split):
    """Every paragraph of 20 words or more of a split: title of its article, text as people write it, text as stored."""
    found, title = [], ""
    for line in wikitext[split]["text"]:
        if re.fullmatch(r"= [^=].* =", line):
            title = questions.clean(line[2:-2])
        elif title and not line.startswith("=") and len(line.split()) >= 20:
            found.append({"title": title, "text": questions.clean(line), "raw": line})
    return found


written = [row for row in questions.load() if row["answers"]["text"]][: 24 if scale == "smoke" else None]
for row in written:
    row["title"] = questions.clean(row["title"])
store = paragraphs("test")
if scale == "smoke":
    store = [passage for passage in store if passage["title"] in {row["title"] for row in written}]
number = {passage["text"]: i for i, passage in enumerate(store)}


# %%NBQA-CELL-SEPacaf5d
MONTH = "(?:January|February|March|April|May|June|July|August|September|October|November|December)"
WORD = r"[A-Z](?:[\w-]*\w|\.)"
ANSWER = (
    rf"(?P<When>(?:\b\d\d? )?\b{MONTH}\b(?: \d\d?\b)?(?:,? \d{{4}}\b)?|\b1\d{{3}}\b|\b20\d\d\b)"
    r"|(?P<How>\b\d[\d,.]*\d\b|\b\d\b|\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)\b)"
    rf"|(?P<Who>\b{WORD}(?: (?:(?:of|the|de|van|and) ){{0,2}}{WORD})*(?: \d+\w?\b)?)"
)
OPENER = (
    "A|After|An|And|As|At|Before|But|By|During|For|From|He|Her|His|However|In|It|Its|On|She|Since|The|Their|There|"
    "These|They|This|Those|To|When|While|With"
)


def sentences(text):
    """(start, end) of each sentence: a cut behind a full stop, unless it stands behind a capital, an initial."""
    cuts = [found.end() for found in re.finditer(r"[^A-Z\s.][.!?]\"? (?=[A-Z\"])", text)]
    return list(zip([0, *cuts], [*cuts, len(text)], strict=True))


# %%NBQA-CELL-SEPacaf5d
def candidates(text):
    """(start, end, question word) of everything in a text that looks like a name, a date or a number."""
    openings = {start for start, _ in sentences(text)}
    for found in re.finditer(ANSWER, text):
        start, end = found.span()
        first, _, rest = found[0].partition(" ")
        if found.lastgroup == "Who" and re.fullmatch(OPENER, first):
            start += len(first) + 1
        if start < end and not (start in openings and not rest):  # every sentence begins with a capital
            yield start, end, found.lastgroup


def cloze(passage, rng, most=8):
    """A question out of a sentence: a question word, and up to eight words on each side of the answer."""
    text = passage["text"]
    found = list(candidates(text))
    start, end, word = found[rng.integers(len(found))]
    left, right = next(sentence for sentence in sentences(text) if sentence[0] <= start < sentence[1])
    words = text[left:start].split()[-most:] + text[end:right].rstrip(" .!?").split()[:most]
    answers = {"text": [text[start:end]], "answer_start": [start]}
    return {"title": passage["title"], "context": text, "question": " ".join([word, *words]) + "?", "answers": answers}


# %%NBQA-CELL-SEPacaf5d
rng = np.random.default_rng(0)
suited = [
    passage for passage in store if 50 <= len(passage["text"].split()) <= 120 and list(candidates(passage["text"]))
]
drawn = rng.choice(len(suited), size=min(len(written), len(suited)), replace=False)
clozes = [cloze(suited[i], rng) for i in drawn]
sets = {"written": written, "clozes": clozes}
gold = {name: np.array([number[row["context"]] for row in rows]) for name, rows in sets.items()}


# %%NBQA-CELL-SEPacaf5d
words = np.array([len(passage["text"].split()) for passage in store])
titles = np.array([passage["title"] for passage in store])
tasks.table(
    {
        "store": f"{len(store):,} paragraphs of 20 words or more, from {len(set(titles))} test articles",
        "length": f"{np.median(words):.0f} words in the median, {words.max()} at most",
        "written": f"{len(written)} questions with an answer, over {len(set(gold['written']))} of the paragraphs",
        "clozes": f"{len(clozes)} generated questions, one a paragraph",
        "licence": "paragraphs CC BY-SA 3.0, questions CC BY-SA 4.0",
    }
)


# %%NBQA-CELL-SEPacaf5d
check("Test articles in the store", len(set(titles)), equals=61)
check("Paragraphs", len(store), equals=1835)
check("Written questions with an answer", len(written), equals=169)


# %%NBQA-CELL-SEPacaf5d
examples = {
    name: [(row["question"][:90], row["answers"]["text"][0]) for row in rows[3:40:12]] for name, rows in sets.items()
}
pd.concat({name: pd.DataFrame(some, columns=["question", "answer"]) for name, some in examples.items()})


# %%NBQA-CELL-SEPacaf5d
gpt_name = models.locate("mini-gpt", source)


@artifact
def continued(prompts, length=8):
    """What the language model writes after each prompt, its likeliest token each time."""
    model, gpt_tokenizer = AutoModelForCausalLM.from_pretrained(gpt_name), AutoTokenizer.from_pretrained(gpt_name)
    found = []
    for prompt in prompts:
        ids = gpt_tokenizer(prompt, return_tensors="pt")
        new = model.float().generate(**ids, max_new_tokens=length, do_sample=False, pad_token_id=0)
        found.append(gpt_tokenizer.decode(new[0, ids["input_ids"].shape[1] :]))
    return found


def left_of_answer(row):
    """The sentence up to the answer; the title where nothing stands before it."""
    start = row["answers"]["answer_start"][0]
    left = next(a for a, b in sentences(row["context"]) if a <= start < b)
    return " " + (row["context"][left:start].rstrip() or row["title"])


prompts = {"written": [f" {row['question']} The answer is" for row in written]}
prompts["clozes"] = [left_of_answer(row) for row in clozes]
said = {name: continued(some) for name, some in prompts.items()}


# %%NBQA-CELL-SEPacaf5d
def normalise(text):
    """SQuAD's cleaning of an answer: lower case, without punctuation and articles."""
    text = "".join(character for character in text.lower() if character not in string.punctuation)
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", text).split())


def f1(said, wanted):
    """The words that two answers have in common, as F1."""
    said, wanted = normalise(said).split(), normalise(wanted).split()
    common = sum((Counter(said) & Counter(wanted)).values())
    return 2 * common / max(1, len(said) + len(wanted))


def scored(answers, rows):
    """(2, rows): EM and F1 of every answer against the best accepted one."""
    pairs = [(text, row["answers"]["text"]) for text, row in zip(answers, rows, strict=True)]
    exact = [max(normalise(text) == normalise(answer) for answer in accepted) for text, accepted in pairs]
    return 100 * np.array([exact, [max(f1(text, answer) for answer in accepted) for text, accepted in pairs]], float)


# %%NBQA-CELL-SEPacaf5d
def interval(numbers):
    """Mean and 95 % bootstrap interval over questions."""
    low, high = evaluation.bootstrap_interval(lambda _, drawn: float(np.mean(drawn)), numbers, numbers)
    return float(np.mean(numbers)), low, high


def shown(numbers, form="{:.1f} ({:.1f} to {:.1f})"):
    return form.format(*interval(numbers))


def short(text):
    """The first words that were written, up to a punctuation mark."""
    return " ".join(re.split(r"[.,;:?!\n\"(]", text.strip(' \n,.:;"()'))[0].split()[:4])


def inside(text, accepted):
    """Whether an accepted answer stands in a text."""
    return any(normalise(answer) in normalise(text) for answer in accepted)


closed = {name: scored([short(text) for text in said[name]], rows) for name, rows in sets.items()}
anywhere = {
    name: np.array([inside(text, row["answers"]["text"]) for text, row in zip(said[name], rows, strict=True)])
    for name, rows in sets.items()
}


# %%NBQA-CELL-SEPacaf5d
table = {
    name: {"EM": shown(v[0]), "F1": shown(v[1]), "found anywhere": int(anywhere[name].sum())}
    for name, v in closed.items()
}
pd.DataFrame(table).T


# %%NBQA-CELL-SEPacaf5d
check("Closed book: EM, at most, %", max(v[0].mean() for v in closed.values()), at_most=3)
check("Accepted answers anywhere in the eight tokens, share", max(v.mean() for v in anywhere.values()), at_most=0.06)


# %%NBQA-CELL-SEPacaf5d
def tokens(text):
    """Lower-case words."""
    return re.findall(r"\w+", text.lower())


def bm25(texts, asked, k_1=1.2, b=0.75):
    """(questions, texts): the score of every text for every question."""
    counter = CountVectorizer(analyzer=tokens)
    f = counter.fit_transform(texts).astype(float)  # (texts, words), sparse: how often text d has word t
    n = f.getnnz(0)  # (words,): in how many texts word t stands
    weight = np.log(1 + (len(texts) - n + 0.5) / (n + 0.5))  # (words,)
    length = np.asarray(f.sum(1))[:, 0]  # (texts,)
    damping = k_1 * (1 - b + b * length / length.mean())  # (texts,)
    of_text = np.repeat(np.arange(len(texts)), np.diff(f.indptr))  # the text of each stored count
    f.data = weight[f.indices] * f.data * (k_1 + 1) / (f.data + damping[of_text])
    return (counter.transform(asked) @ f.T).toarray()


def tf_idf(texts, asked):
    """(questions, texts): cosine of the TF-IDF vectors."""
    vectorizer = TfidfVectorizer(analyzer=tokens, sublinear_tf=True)
    vectors = vectorizer.fit_transform(texts)
    return (vectorizer.transform(asked) @ vectors.T).toarray()


# %%NBQA-CELL-SEPacaf5d
toy = ["the cat sat", "the dog sat on the mat by the door", "the bird"]
by_hand = np.log(1 + (3 - 1 + 0.5) / (1 + 0.5)) * 1 * 2.2 / (1 + 1.2 * (1 - 0.75 + 0.75 * 3 / (14 / 3)))
check("BM25 of 'cat' for the first toy text, by hand", bm25(toy, ["cat"])[0, 0], equals=by_hand, tolerance=1e-12)
check("A word in every text counts for little, share of a rare one", bm25(toy, ["the"])[0, 0] / by_hand, at_most=0.2)


# %%NBQA-CELL-SEPacaf5d
@torch.no_grad()
def embed(encoder, texts, max_length=128):
    """(texts, hidden size): the mean of a text's last hidden states, scaled to length 1."""
    vectors = np.zeros((len(texts), encoder.config.hidden_size), dtype=np.float32)
    order = np.argsort([-len(text) for text in texts], kind="stable")  # like lengths together: less padding
    for chosen in np.split(order, range(32, len(order), 32)):
        some = [texts[i] for i in chosen]
        batch = tokenizer(some, padding=True, truncation=True, max_length=max_length, return_tensors="pt")
        hidden = encoder(**batch).last_hidden_state  # (batch, tokens, hidden size)
        mask = batch["attention_mask"][:, :, None]  # (batch, tokens, 1)
        mean = (hidden * mask).sum(1) / mask.sum(1)
        vectors[chosen] = torch.nn.functional.normalize(mean).numpy()
    return vectors


def load_encoder():
    return AutoModel.from_pretrained(model_name).eval()


# %%NBQA-CELL-SEPacaf5d
def ranking(scores):
    """(questions, texts): the numbers of the texts, best first."""
    return np.argsort(-scores, axis=1, kind="stable")


def ranks(scores):
    """(questions, texts): the rank of each text, from 1."""
    order = ranking(scores)
    places = np.empty_like(order)
    np.put_along_axis(places, order, np.arange(1, scores.shape[1] + 1)[None, :], axis=1)
    return places


def fuse(*all_scores, k=60):
    """Reciprocal rank fusion: what counts is the places that a text has in the rankings, not the scores."""
    return sum(1 / (k + ranks(scores)) for scores in all_scores)


def rank_of(scores, wanted):
    """(questions,): the rank of the wanted text."""
    return ranks(scores)[np.arange(len(wanted)), wanted]


# %%NBQA-CELL-SEPacaf5d
toy_scores = np.array([[0.9, 0.5, 0.1]]), np.array([[10.0, 30.0, 20.0]])
check(
    "Ranks of three texts",
    bool((ranks(toy_scores[0]) == [[1, 2, 3]]).all() and (ranks(toy_scores[1]) == [[3, 1, 2]]).all()),
)
check("Second and first beat first and third", int(fuse(*toy_scores).argmax()), equals=1)


# %%NBQA-CELL-SEPacaf5d
def titled(passages, with_title=True):
    """The texts as they are indexed."""
    return [f"{passage['title']}. {passage['text']}" if with_title else passage["text"] for passage in passages]


def three_ranks(texts, vectors, asked, asked_vectors, wanted):
    """The wanted texts' ranks by BM25, by the encoder, and by both."""
    scores = {"BM25": bm25(texts, asked), "dense": asked_vectors @ vectors.T}
    scores["fused"] = fuse(*scores.values())
    return {name: rank_of(found, wanted).tolist() for name, found in scores.items()}


# %%NBQA-CELL-SEPacaf5d
@artifact
def live_vectors():
    """The vectors of the store and of the questions, alone and with their article's title in front."""
    encoder = load_encoder()
    found = {"store": torch.tensor(embed(encoder, titled(store)))}
    for name, rows in sets.items():
        found[name] = torch.tensor(embed(encoder, [row["question"] for row in rows]))
        found[f"{name}, title"] = torch.tensor(embed(encoder, [f"{row['title']}: {row['question']}" for row in rows]))
    return found


vectors = {name: found.numpy() for name, found in live_vectors().items()}  # each (texts, 384)
asked = {name: [row["question"] for row in rows] for name, rows in sets.items()}
scores = {}
for name, some in asked.items():
    scores[name] = {"random": np.random.default_rng(2).random((len(some), len(store)))}
    scores[name] |= {"TF-IDF": tf_idf(titled(store), some), "BM25": bm25(titled(store), some)}
    scores[name]["dense"] = vectors[name] @ vectors["store"].T
    scores[name]["fused"] = fuse(scores[name]["BM25"], scores[name]["dense"])


# %%NBQA-CELL-SEPacaf5d
rank = {(name, who): rank_of(found, gold[name]) for name in sets for who, found in scores[name].items()}
three = "{:.3f} ({:.3f} to {:.3f})"
table = {}
for (name, who), places in rank.items():
    table[name, who] = {
        f"recall@{k}": shown(places <= k, three) if k < 10 else f"{np.mean(places <= k):.3f}" for k in (1, 5, 10, 20)
    }
    first = [" ".join(store[i]["text"] for i in some) for some in ranking(scores[name][who])[:, :5]]
    holds = [inside(text, row["answers"]["text"]) for text, row in zip(first, sets[name], strict=True)]
    table[name, who] |= {"MRR": shown(1 / places, three), "answer in 5": f"{np.mean(holds):.3f}"}
pd.DataFrame(table).T


# %%NBQA-CELL-SEPacaf5d
fig, axes = plt.subplots(1, 2, figsize=(7.2, 3.8), sharey=True)
depths = np.arange(1, 101)
styles = {"random": ":", "TF-IDF": "--", "BM25": "-", "dense": "-.", "fused": "-"}
for panel, name in zip(axes, sets, strict=True):
    for color, (who, style) in zip((plots.PALETTE[6], *plots.PALETTE[:4]), styles.items(), strict=True):
        recall = [np.mean(rank[name, who] <= k) for k in depths]
        panel.plot(depths, recall, color=color, linestyle=style, linewidth=3.5 if who == "fused" else 1.8, label=who)
    panel.set(xscale="log", xlabel="paragraphs looked at, k (logarithmic)", xticks=(1, 5, 20, 100), ylim=(0, 1.02))
    panel.set_xticklabels(("1", "5", "20", "100"))
    panel.minorticks_off()
    panel.text(1.1, 0.04 if name == "clozes" else 0.94, f"{name} questions" if name == "written" else name, size=10)
axes[0].set_ylabel("recall@k")
axes[1].legend(fontsize=9, loc=(0.45, 0.1))
at_1 = {name: [np.mean(rank[name, who] <= 1) for who in ("BM25", "dense")] for name in sets}
fig.suptitle(
    f"First place right: BM25 {at_1['written'][0]:.2f}, encoder {at_1['written'][1]:.2f} on written questions",
    x=0.01,
    ha="left",
    weight="bold",
    size=12,
)
alt = "Two panels of recall against k. Written questions: BM25 and TF-IDF start highest, the encoder lowest, the fused "
alt += "ranking is highest at 20. Clozes: BM25 is close to 1 from the start, the encoder far below."
plots.show(fig, alt)


# %%NBQA-CELL-SEPacaf5d
def gap(name, one, other, k):
    """Difference of two retrievers in recall@k over the same questions, with its interval."""
    return interval((rank[name, one] <= k).astype(float) - (rank[name, other] <= k))


recall = {(name, who, k): float(np.mean(places <= k)) for (name, who), places in rank.items() for k in (1, 5, 20)}
check("Random, written: recall@20", recall["written", "random", 20], at_most=0.04)
check("Written: BM25 ahead of the encoder, recall@1, lower end", gap("written", "BM25", "dense", 1)[1], at_least=0.05)
check(
    "Written: BM25 ahead of the encoder, recall@20, lower end", gap("written", "BM25", "dense", 20)[1], at_least=0.005
)
for k in (1, 5):
    low, high = gap("written", "BM25", "TF-IDF", k)[1:]
    check(f"Written: BM25 against TF-IDF, recall@{k}, the interval holds zero", bool(low < 0 < high))
check("Written: fused ahead of BM25, recall@20, lower end", gap("written", "fused", "BM25", 20)[1], at_least=0.005)
check("Written: fused less BM25, recall@1", gap("written", "fused", "BM25", 1)[0], at_most=-0.03)
check("Clozes: BM25, recall@1", recall["clozes", "BM25", 1], at_least=0.95)
check("Clozes: BM25 ahead of the encoder, recall@1, lower end", gap("clozes", "BM25", "dense", 1)[1], at_least=0.25)
check("BM25, recall@1: clozes less written", recall["clozes", "BM25", 1] - recall["written", "BM25", 1], at_least=0.45)


# %%NBQA-CELL-SEPacaf5d
def measure(with_title, max_length, distractors):
    """Ranks of the right paragraph, as more and more paragraphs of the training articles stand in the store."""
    encoder = load_encoder()
    others = paragraphs("train")
    others = [others[i] for i in np.random.default_rng(0).permutation(len(others))[: max(distractors)]]
    texts = titled(store + others, with_title)
    vectors = embed(encoder, texts, max_length)
    found = {}
    for name, rows in sets.items():
        asked = [row["question"] for row in rows]
        asked_vectors = embed(encoder, asked)
        for more in distractors:
            size = len(store) + more
            found[f"{name}, {more}"] = three_ranks(texts[:size], vectors[:size], asked, asked_vectors, gold[name])
    return found


# %%NBQA-CELL-SEPacaf5d
runs = records.load("knowledge-retrieval", measure)


# %%NBQA-CELL-SEPacaf5d
main = runs[runs["with_title"] & (runs["max_length"] == 128)].iloc[0]
extra = [0, 500, 1000, 2000]


def recorded(run, name, more, who):
    """(questions,): recorded ranks; at scale "smoke" the questions are fewer, and the ranks cut with them."""
    return np.array(run[f"{name}, {more}"][who][: len(sets[name])])


grown = {
    (name, who): {len(store) + more: interval(recorded(main, name, more, who) <= 5) for more in extra}
    for name in sets
    for who in ("BM25", "dense", "fused")
}
pd.DataFrame({key: {size: three.format(*v) for size, v in found.items()} for key, found in grown.items()}).T


# %%NBQA-CELL-SEPacaf5d
fig, axes = plt.subplots(figsize=(7.2, 3.6))
for number_of, (who, marker) in enumerate({"BM25": "o", "dense": "s", "fused": "D"}.items()):
    points = np.array(list(grown["written", who].values()))  # (sizes, 3)
    at = np.array(list(grown["written", who])) * (1 + 0.012 * (number_of - 1))
    color = plots.PALETTE[(0, 2, 4)[number_of]]
    axes.errorbar(
        at, points[:, 0], np.abs(points[:, 1:] - points[:, :1]).T, marker=marker, color=color, capsize=3, label=who
    )
ends = list(grown["written", "BM25"])
lost = {
    who: grown["written", who][ends[0]][0] - grown["written", who][ends[-1]][0] for who in ("BM25", "dense", "fused")
}
axes.set(xlabel="paragraphs in the store", ylabel="recall@5, written questions", ylim=(0, 1), xticks=ends)
axes.set_xticklabels([f"{end:,}" for end in ends], rotation=30)
axes.set_title(
    f"{ends[-1] / ends[0]:.1f} times the store costs {min(lost.values()):.2f} to {max(lost.values()):.2f} of recall@5"
)
axes.legend(loc="lower left", ncols=3)
plots.show(
    fig, "Recall at five over the size of the store: three slowly falling lines, the fused and BM25 above the encoder."
)


# %%NBQA-CELL-SEPacaf5d
for name in sets:
    for who in ("BM25", "dense", "fused"):
        apart = abs(np.mean(recorded(main, name, 0, who) <= 5) - recall[name, who, 5])
        check(f"{name}, {who}: recall@5, distance of live and recorded", apart, at_most=0.02)
check("Written, recall@5 lost with 2,000 more paragraphs: BM25", lost["BM25"], at_least=0.0, at_most=0.03)
for who in ("dense", "fused"):
    check(f"The same: {who}", lost[who], at_least=0.035, at_most=0.08)


# %%NBQA-CELL-SEPacaf5d
bare = runs[~runs["with_title"]].iloc[0]
with_title = [f"{row['title']}: {row['question']}" for row in written]
title_ranks = {
    ("neither", "BM25"): rank_of(bm25(titled(store, False), asked["written"]), gold["written"]),
    ("neither", "dense"): recorded(bare, "written", 0, "dense"),
    ("paragraphs", "BM25"): rank["written", "BM25"],
    ("paragraphs", "dense"): recorded(main, "written", 0, "dense"),
    ("both", "BM25"): rank_of(bm25(titled(store), with_title), gold["written"]),
    ("both", "dense"): rank_of(vectors["written, title"] @ vectors["store"].T, gold["written"]),
}
pd.DataFrame({key: {f"recall@{k}": shown(v <= k, three) for k in (1, 5, 20)} for key, v in title_ranks.items()}).T


# %%NBQA-CELL-SEPacaf5d
def title_gap(who, one, other, k=5):
    return interval((title_ranks[one, who] <= k).astype(float) - (title_ranks[other, who] <= k))


check(
    "BM25: titles on paragraphs, recall@5, difference", abs(title_gap("BM25", "paragraphs", "neither")[0]), at_most=0.02
)
check("Dense: the same, upper end", title_gap("dense", "paragraphs", "neither")[2], at_most=-0.001)
first = [title_ranks["neither", who] <= 1 for who in ("BM25", "dense")]
check(
    "No titles: BM25 ahead of the encoder, recall@1, lower end", interval(1.0 * first[0] - first[1])[1], at_least=0.02
)
check(
    "BM25: titles on questions too, recall@5 gained, lower end",
    title_gap("BM25", "both", "paragraphs")[1],
    at_least=0.12,
)
check("Dense: the same, lower end", title_gap("dense", "both", "paragraphs")[1], at_least=0.12)
worse = min(np.mean(title_ranks["both", who] <= 20) for who in ("BM25", "dense"))
check("Recall@20 with titles on both, the worse of the two", worse, at_least=0.95)


# %%NBQA-CELL-SEPacaf5d
vectorizer = TfidfVectorizer(stop_words="english", sublinear_tf=True).fit([passage["text"] for passage in store])
known = {}


def sentence_vectors(text):
    """(sentences, words): TF-IDF of each sentence of a text, kept."""
    if text not in known:
        known[text] = vectorizer.transform([text[start:end] for start, end in sentences(text)])
    return known[text]


def nearest_candidate(question, text, left, right):
    """In one sentence, the fitting candidate nearest to a word that stands in the question too."""
    wanted = "When" if re.search(r"\b([Ww]hen|year|date)\b", question) else "Who"
    wanted = "How" if re.search(r"\bHow\b", question) else wanted
    shared = [found.start() for found in re.finditer(r"\w{4,}", text[left:right]) if found[0] in question] or [0]
    best, answer = (True, np.inf), " ".join(text[left:right].split()[:2])
    for start, end, word in candidates(text):
        if left <= start < right and text[start:end] not in question:
            distance = min(abs(start - left - place) for place in shared)
            if (word != wanted, distance) < best:
                best, answer = (word != wanted, distance), text[start:end]
    return answer


# %%NBQA-CELL-SEPacaf5d
def read(question, texts):
    """The answer out of the sentence that is most like the question, over all texts given."""
    vector, best = vectorizer.transform([question]).toarray()[0], (-1.0, "", 0, 0)
    for text in texts:
        similarity = sentence_vectors(text) @ vector  # (sentences,)
        if similarity.max() > best[0]:
            best = (float(similarity.max()), text, *sentences(text)[int(similarity.argmax())])
    return nearest_candidate(question, *best[1:])


def read_first(name, who, k):
    """Every question's answer from the k paragraphs that a retriever ranks highest."""
    firsts = ranking(scores[name][who])[:, :k]
    return [
        read(row["question"], [store[i]["text"] for i in some]) for row, some in zip(sets[name], firsts, strict=True)
    ]


answered = {}
for name, rows in sets.items():
    answered[name, "no text (mini-gpt)", 0] = closed[name]
    answered[name, "random paragraph", 1] = scored(read_first(name, "random", 1), rows)
    for who in ("BM25", "dense", "fused"):
        answered |= {(name, who, k): scored(read_first(name, who, k), rows) for k in (1, 5, 20)}
    answered[name, "right paragraph", 1] = scored([read(row["question"], [row["context"]]) for row in rows], rows)


# %%NBQA-CELL-SEPacaf5d
table = {}
for (name, who, k), values in answered.items():
    table.setdefault((who, k), {}).update({f"{name}, EM": shown(values[0]), f"{name}, F1": shown(values[1])})
pd.DataFrame(table).T.rename_axis(["reads", "k"])


# %%NBQA-CELL-SEPacaf5d
product = {}
for k in (1, 5, 20):
    here, exact = rank["written", "fused"] <= k, answered["written", "fused", k][0]
    alone = answered["written", "right paragraph", 1][0][here]
    product[k] = {
        "recall@k": here.mean(),
        "EM where it is there": exact[here].mean(),
        "the same, that paragraph alone": alone.mean(),
    }
    product[k] |= {"EM where it is not": exact[~here].mean(), "EM": exact.mean()}
product = pd.DataFrame(product).T.rename_axis("k")
product.round(3)


# %%NBQA-CELL-SEPacaf5d
fig, axes = plt.subplots(figsize=(7.2, 3.9))
lines = [(who, k) for who, k in table]
for panel, (name, marker, color) in enumerate((("written", "o", plots.PALETTE[0]), ("clozes", "s", plots.PALETTE[2]))):
    points = np.array([interval(answered[name, who, k][0]) for who, k in lines])  # (lines, 3)
    at = np.arange(len(lines))[::-1] + 0.12 * (0.5 - panel)
    spread = np.abs(points[:, 1:] - points[:, :1]).T
    axes.errorbar(points[:, 0], at, xerr=spread, fmt=marker, color=color, capsize=3, label=name)
axes.set(
    yticks=np.arange(len(lines))[::-1],
    yticklabels=[f"{who}, k = {k}" if k else who for who, k in lines],
    xlim=(-1, 100),
)
axes.set(xlabel="exact match, %, with 95 % intervals")
bounds = [
    answered["written", who, k][0].mean() for who, k in (("random paragraph", 1), ("BM25", 1), ("right paragraph", 1))
]
axes.set_title(f"Written: EM {bounds[0]:.0f} unaided, {bounds[1]:.0f} with retrieval, {bounds[2]:.0f} at best", x=-0.25)
axes.legend(loc="upper right")
alt = "Exact match of a reader by what it reads, for written questions and clozes: nothing or a random paragraph near "
alt += "zero, retrieved paragraphs in between, the right paragraph highest."
plots.show(fig, alt)


# %%NBQA-CELL-SEPacaf5d
def gained(name, one, other, row=0):
    """Mean difference over the same questions and its interval; EM for row 0, F1 for row 1."""
    return interval(answered[name, *one][row] - answered[name, *other][row])


best, floor, top = ("BM25", 1), ("random paragraph", 1), ("right paragraph", 1)
check("Random paragraph: EM, both sets, at most", max(answered[name, *floor][0].mean() for name in sets), at_most=3)
check("Right paragraph, written: EM", answered["written", *top][0].mean(), equals=36.1, tolerance=2)
check(
    "BM25, one paragraph, ahead of a random one: written, EM, lower end", gained("written", best, floor)[1], at_least=10
)
check("Right paragraph ahead of BM25's first: written, EM, lower end", gained("written", top, best)[1], at_least=7)
share = answered["written", *best][0].mean() / answered["written", *top][0].mean()
check("EM with BM25's first paragraph, as a share of that with the right one", share, at_least=0.5, at_most=0.7)
check(
    "BM25's first ahead of the encoder's: written, EM, lower end", gained("written", best, ("dense", 1))[1], at_least=3
)
check("Clozes: right paragraph ahead of BM25's first, EM, upper end", gained("clozes", top, best)[2], at_most=4)
change = gained("written", ("fused", 20), ("fused", 1))
check("Fused, 20 paragraphs against 1: written, EM, the interval holds zero", bool(change[1] < 0 < change[2]))
check("Encoder, 20 against 1: written, EM, lower end", gained("written", ("dense", 20), ("dense", 1))[1], at_least=3)
change = gained("written", ("dense", 20), best)
check("Encoder's 20 against BM25's first: written, EM, the interval holds zero", bool(change[1] < 0 < change[2]))
check("Fused: recall from k = 1 to 20, gained", product["recall@k"].iloc[2] - product["recall@k"].iloc[0], at_least=0.4)
drop = product["EM where it is there"].iloc[0] - product["EM where it is there"].iloc[2]
check("Fused: EM where the paragraph is there, lost from k = 1 to 20", drop, at_least=10)


# %%NBQA-CELL-SEPacaf5d
beginning, target, front = 48, 64, 120  # tokens; with a break they fit into mini-gpt's 256 positions
gpt_tokenizer = AutoTokenizer.from_pretrained(gpt_name)
ids = [gpt_tokenizer(" " + passage["raw"])["input_ids"] for passage in store]
long_enough = [i for i, some in enumerate(ids) if len(some) >= beginning + target]
chosen = np.random.default_rng(3).permutation(long_enough)[: 12 if scale == "smoke" else 100].tolist()


@artifact
def beginning_vectors():
    """(chosen, 384): title and beginning of each chosen paragraph."""
    texts = [f"{store[i]['title']}. {questions.clean(gpt_tokenizer.decode(ids[i][:beginning]))}" for i in chosen]
    return torch.tensor(embed(load_encoder(), texts))


near = beginning_vectors().numpy() @ vectors["store"].T  # (chosen, store)
near[np.arange(len(chosen)), chosen] = -1  # anything but the paragraph itself
other = titles[chosen][:, None] != titles[None, :]
dice = np.random.default_rng(4)
neighbours = {
    "a random paragraph": [int(dice.choice(np.flatnonzero(some))) for some in other],
    "the nearest of other articles": np.where(other, near, -1).argmax(1).tolist(),
    "the nearest": near.argmax(1).tolist(),
    "the paragraph itself": chosen,
}


# %%NBQA-CELL-SEPacaf5d
@artifact
def token_losses(contexts):
    """(chosen, target): the cost of each token of the target in nats, after a context, a break and the beginning."""
    model = AutoModelForCausalLM.from_pretrained(gpt_name).float().eval()
    found = []
    for context, i in zip(contexts, chosen, strict=True):
        sequence = torch.tensor(context + ids[i][: beginning + target])
        with torch.no_grad():
            logits = model(sequence[None]).logits[0, -target - 1 : -1]  # (target, vocabulary)
        found.append(torch.nn.functional.cross_entropy(logits, sequence[-target:], reduction="none"))
    return torch.stack(found)


contexts = {"nothing": [[] for _ in chosen]}
contexts |= {name: [ids[i][:front] + [0] for i in some] for name, some in neighbours.items()}
losses = {name: token_losses(some).numpy().mean(1) for name, some in contexts.items()}  # (chosen,)


# %%NBQA-CELL-SEPacaf5d
language = {}
for name, found in losses.items():
    gain = interval(losses["nothing"] - found)
    language[name] = {
        "perplexity per token": np.exp(found.mean()),
        "nats saved": gain[0],
        "from": gain[1],
        "to": gain[2],
    }
    if name in neighbours:
        language[name]["same article"] = np.mean(titles[chosen] == titles[neighbours[name]])
language = pd.DataFrame(language).T.rename_axis("in front")
language.round(3)


# %%NBQA-CELL-SEPacaf5d
saved = language[["nats saved", "from", "to"]]
check("A random paragraph in front: nats saved, upper end", saved.loc["a random paragraph", "to"], at_most=-0.01)
check("The nearest: nats saved, lower end", saved.loc["the nearest", "from"], at_least=0.001)
check("The nearest: nats saved, upper end", saved.loc["the nearest", "to"], at_most=0.04)
apart = interval(losses["a random paragraph"] - losses["the nearest"])
check("The nearest ahead of a random one: nats, lower end", apart[1], at_least=0.02)
check(
    "The nearest of other articles: nats saved, at most",
    abs(saved.loc["the nearest of other articles", "nats saved"]),
    at_most=0.015,
)
check("The paragraph itself: nats saved", saved.loc["the paragraph itself", "nats saved"], at_least=0.04, at_most=0.065)
points = language["perplexity per token"]
check("Perplexity with nothing in front", points["nothing"], at_least=70, at_most=80)
check("Points that the nearest takes off", points["nothing"] - points["the nearest"], at_least=0.4, at_most=1.6)
check("The nearest stands in the same article, share", language.loc["the nearest", "same article"], at_least=0.95)


# %%NBQA-CELL-SEPacaf5d
def names_subject(row):
    """Whether the question holds a capitalised word, or a number, of its article's title."""
    parts = [part for part in re.findall(r"\b[A-Z0-9]\w{2,}", row["title"]) if part not in ("The", "But", "They")]
    return any(part[:6].lower() in row["question"].lower() for part in parts)


def content(text):
    """The longer words of a text, by their first five letters."""
    return {word[:5] for word in tokens(text) if len(word) > 3} - {"which", "what", "when", "where", "does", "were"}


named = np.array([names_subject(row) for row in written])
in_text = np.array(
    [len(content(r["question"]) & content(r["context"])) / max(1, len(content(r["question"]))) for r in written]
)
first = ranking(scores["written"]["fused"])[:, 0]
words_alone = (rank["written", "BM25"] <= 5) & (rank["written", "dense"] > 20)
meanings_alone = (rank["written", "dense"] <= 5) & (rank["written", "BM25"] > 20)


# %%NBQA-CELL-SEPacaf5d
table = {}
for label, some in (("named", named), ("not named", ~named)):
    table[label] = {"questions": some.sum()} | {
        f"{who}, recall@5": np.mean(rank["written", who][some] <= 5) for who in ("BM25", "dense", "fused")
    }
    table[label]["BM25, recall@5, title given"] = np.mean(title_ranks["both", "BM25"][some] <= 5)
    table[label]["first paragraph from the right article"] = np.mean(
        [store[i]["title"] == row["title"] for i, row, yes in zip(first, written, some, strict=True) if yes]
    )
    table[label]["words shared with the paragraph"] = in_text[some].mean()
by_naming = pd.DataFrame(table).T
by_naming.round(3)


# %%NBQA-CELL-SEPacaf5d
missed = rank["written", "fused"] > 5
right_article = np.array([store[i]["title"] == row["title"] for i, row in zip(first, written, strict=True)])
groups = {
    "found, rank 1 to 5": ~missed,
    "missed, first paragraph of the right article": missed & right_article,
    "missed, first paragraph of another article": missed & ~right_article,
}
table = {
    name: {"questions": some.sum(), "subject named": named[some].mean(), "words shared": in_text[some].mean()}
    for name, some in groups.items()
}
grouped = pd.DataFrame(table).T
grouped.round(3)


# %%NBQA-CELL-SEPacaf5d
worst = [i for i in np.argsort(-rank["written", "fused"]) if missed[i]][:18]
shown_rows = [
    (rank["written", "fused"][i], written[i]["question"], written[i]["title"], store[first[i]]["title"]) for i in worst
]
pd.DataFrame(shown_rows, columns=["rank", "question", "article", "article of the first paragraph"]).set_index("rank")


# %%NBQA-CELL-SEPacaf5d
check("Questions that do not name their subject, share", float(np.mean(~named)), at_least=0.5, at_most=0.6)
loss = by_naming.loc["named", "fused, recall@5"] - by_naming.loc["not named", "fused, recall@5"]
check("Fused, recall@5: named less not named", loss, at_least=0.1)
help_given = by_naming["BM25, recall@5, title given"] - by_naming["BM25, recall@5"]
check("BM25, recall@5 gained by the title where it was not named", help_given["not named"], at_least=0.2)
check("Where it was named already", help_given["named"], at_most=0.15)
who_finds = by_naming["BM25, recall@5"] - by_naming["dense, recall@5"]
found_row, at_home, elsewhere = (grouped.loc[name] for name in groups)
check(
    "Missed, but the first paragraph is of the right article, share",
    at_home["questions"] / missed.sum(),
    at_least=0.35,
    at_most=0.65,
)
check(
    "Words shared with the paragraph: found less missed in the right article",
    found_row["words shared"] - at_home["words shared"],
    at_least=0.15,
)
check("Named: BM25 against the encoder, recall@5, distance", abs(who_finds["named"]), at_most=0.06)
check("Not named: BM25 ahead of the encoder", who_finds["not named"], at_least=0.15)
check("Found less missed in another article", found_row["words shared"] - elsewhere["words shared"], at_least=0.03)
check(
    "Subject named: found less missed in another article",
    found_row["subject named"] - elsewhere["subject named"],
    at_least=0.25,
)
check("Subject named, missed in another article, share", elsewhere["subject named"], at_most=0.25)
check(
    "Words shared: missed in another article less missed in the right one",
    elsewhere["words shared"] - at_home["words shared"],
    at_least=0.05,
)


# %%NBQA-CELL-SEPacaf5d
print(
    f"first five by BM25 and not in twenty by the encoder: {words_alone.sum()}; the other way: {meanings_alone.sum()}"
)


# %%NBQA-CELL-SEPacaf5d
check("Found by words alone, questions", int(words_alone.sum()), at_least=12)
check("Found by meanings alone, questions", int(meanings_alone.sum()), at_least=4, at_most=12)


# %%NBQA-CELL-SEPacaf5d
def pieces(passage, most):
    """(start, end) of pieces of a text: whole sentences, as many as fit into ``most`` words, at least one."""
    found = []
    for start, end in sentences(passage["text"]):
        if found and len(passage["text"][found[-1][0] : end].split()) <= most:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found


def words_until(orders, chunks, words, rows):
    """For every question the words in the pieces up to the first one that holds an accepted answer's place."""
    found = []
    for order, row in zip(orders, rows, strict=True):
        spans = zip(row["answers"]["answer_start"], row["answers"]["text"], strict=True)
        spans = [(start, start + len(text)) for start, text in spans]
        right = number[row["context"]]
        holds = [i == right and any(a <= s and e <= b for s, e in spans) for i, a, b in chunks]
        first = int(np.argmax(np.array(holds)[order]))
        found.append(int(words[order][: first + 1].sum()))
    return found


# %%NBQA-CELL-SEPacaf5d
def measure_pieces(most, encode):
    """How many words must be read, best pieces first, until the answer stands in what was read; by each retriever."""
    chunks = [(i, start, end) for i, passage in enumerate(store) for start, end in pieces(passage, most)]
    texts = titled([{"title": store[i]["title"], "text": store[i]["text"][start:end]} for i, start, end in chunks])
    words = np.array([len(store[i]["text"][start:end].split()) for i, start, end in chunks])
    encoder = load_encoder() if encode else None
    vectors = embed(encoder, texts) if encode else None
    result = {"pieces": len(chunks), "words": float(words.mean())}
    for name, rows in sets.items():
        asked = [row["question"] for row in rows]
        scores = {"BM25": bm25(texts, asked)}
        if encode:
            scores["dense"] = embed(encoder, asked) @ vectors.T
            scores["fused"] = fuse(*scores.values())
        result[name] = {who: words_until(ranking(found), chunks, words, rows) for who, found in scores.items()}
    return result


# %%NBQA-CELL-SEPacaf5d
cut_runs = {run.most: run for run in records.load("knowledge-pieces", measure_pieces).itertuples()}
whole = measure_pieces(10_000, False)
units = {"sentence": cut_runs[0], "sentences, to 50 words": cut_runs[50]}
table = {}
for unit, run in units.items():
    for who in ("BM25", "dense", "fused"):
        table[unit, who] = {
            "pieces": run.pieces,
            "words in a piece": run.words,
            "read": np.array(run.written[who][: len(written)]),
        }
paragraph_words = words[ranking(scores["written"]["BM25"])].cumsum(1)
for who in ("BM25", "dense", "fused"):
    read_words = words[ranking(scores["written"][who])].cumsum(1)  # (questions, store)
    until = read_words[np.arange(len(written)), rank["written", who] - 1]
    table["paragraph", who] = {"pieces": len(store), "words in a piece": words.mean(), "read": until}
cut_rows, budgets = table, (100, 300, 1000)


# %%NBQA-CELL-SEPacaf5d
cut = {
    key: {k: v for k, v in row.items() if k != "read"} | {f"in {b} words": np.mean(row["read"] <= b) for b in budgets}
    for key, row in cut_rows.items()
}
cut = pd.DataFrame(cut).T
cut.round(3)


# %%NBQA-CELL-SEPacaf5d
def cut_gap(one, other, budget):
    """Difference of two rows, answers in reach within a number of words, over the same questions."""
    return interval((cut_rows[one]["read"] <= budget).astype(float) - (cut_rows[other]["read"] <= budget))


live_cut = np.mean(np.array(measure_pieces(0, False)["written"]["BM25"]) <= 100)
live_whole = np.mean(np.array(whole["written"]["BM25"]) <= 300)
apart = abs(live_cut - cut.loc[("sentence", "BM25"), "in 100 words"])
check("BM25, sentences, 100 words: distance of live and recorded", apart, at_most=0.02)
apart = abs(live_whole - cut.loc[("paragraph", "BM25"), "in 300 words"])
check("BM25, paragraphs, 300 words, two ways of counting: distance", apart, at_most=0.01)
check("Sentences for one paragraph", cut.loc[("sentence", "BM25"), "pieces"] / len(store), at_least=4, at_most=6)


# %%NBQA-CELL-SEPacaf5d
for who in ("BM25", "dense", "fused"):
    ahead = cut_gap(("sentence", who), ("paragraph", who), 100)[1]
    check(f"{who}, 100 words: sentences ahead of paragraphs, lower end", ahead, at_least=0.1)
apart = abs(cut_gap(("sentence", "BM25"), ("paragraph", "BM25"), 1000)[0])
check("BM25, 1,000 words: sentences against paragraphs, difference", apart, at_most=0.1)
ahead = cut_gap(("sentence", "dense"), ("paragraph", "dense"), 1000)[1]
check("Encoder, 1,000 words: sentences ahead of paragraphs, lower end", ahead, at_least=0.06)
for budget in budgets:
    low, high = cut_gap(("sentence", "dense"), ("sentence", "BM25"), budget)[1:]
    check(f"Sentences, {budget} words: the encoder against BM25, the interval holds zero", bool(low < 0 < high))
    ahead = cut_gap(("sentence", "fused"), ("sentence", "BM25"), budget)[1]
    check(f"Sentences, {budget} words: fused ahead of BM25, lower end", ahead, at_least=0.02)
ahead = cut_gap(("sentence", "dense"), ("sentences, to 50 words", "dense"), 100)[1]
check("Encoder, 100 words: sentences ahead of pieces to 50 words, lower end", ahead, at_least=0.03)


# %%NBQA-CELL-SEPacaf5d
def edited(row, answer):
    """The paragraph, with another answer in every place of the accepted ones."""
    text = row["context"]
    for old in sorted(row["answers"]["text"], key=len, reverse=True):
        text = text.replace(old, answer)
    return text


def kind(text):
    found = re.fullmatch(ANSWER, text)
    return found.lastgroup if found else None


firsts = ranking(scores["written"]["dense"])[:, :5]
before = [read(row["question"], [store[i]["text"] for i in some]) for row, some in zip(written, firsts, strict=True)]
right = [i for i, row in enumerate(written) if scored([before[i]], [row])[0, 0] and gold["written"][i] in firsts[i]]
swaps = {}
for i in right:
    pool = {
        before[j] for j in right if written[j]["title"] != written[i]["title"] and kind(before[j]) == kind(before[i])
    }
    pool = sorted(text for text in pool if text not in written[i]["context"]) or ["Nobody"]
    swaps[i] = pool[np.random.default_rng(i).integers(len(pool))]
new_texts = {i: edited(written[i], answer) for i, answer in swaps.items()}


# %%NBQA-CELL-SEPacaf5d
@artifact
def edited_vectors(texts):
    return torch.tensor(embed(load_encoder(), texts))


new_vectors = edited_vectors([f"{written[i]['title']}. {text}" for i, text in new_texts.items()]).numpy()


def ask_again(i, vector, keep_old):
    """The answer after the paragraph was replaced or, with ``keep_old``, after the new version was added."""
    similarity = np.append(scores["written"]["dense"][i], vector @ vectors["written"][i])
    if not keep_old:
        similarity[gold["written"][i]] = -1
    texts = [passage["text"] for passage in store] + [new_texts[i]]
    return read(written[i]["question"], [texts[j] for j in np.argsort(-similarity, kind="stable")[:5]])


def follows(text, i):
    """Which version an answer comes from."""
    if normalise(text) == normalise(swaps[i]):
        return "new"
    return "old" if scored([text], [written[i]])[0, 0] else "another"


# %%NBQA-CELL-SEPacaf5d
rows = []
for i, vector in zip(swaps, new_vectors, strict=True):
    for keep_old in (False, True):
        text = ask_again(i, vector, keep_old)
        rows.append(
            {"question": written[i]["question"], "before": before[i], "store says now": swaps[i], "after": text}
        )
        rows[-1] |= {"follows": follows(text, i), "old paragraph": "kept" if keep_old else "replaced"}
fresh = pd.DataFrame(rows)


# %%NBQA-CELL-SEPacaf5d
counts = pd.crosstab(fresh["old paragraph"], fresh["follows"])
counts = counts.reindex(["replaced", "kept"], columns=["new", "old", "another"], fill_value=0)
counts


# %%NBQA-CELL-SEPacaf5d
fresh[fresh["old paragraph"] == "replaced"].iloc[::4, :5].head(6).set_index("question")


# %%NBQA-CELL-SEPacaf5d
shares = counts.div(counts.sum(axis=1), axis=0)
check("Questions in this experiment", int(counts.sum(axis=1).max()), at_least=15)
check("Replaced: the answer follows the store, share", shares.loc["replaced", "new"], at_least=0.5)
check("Replaced: the old answer comes back, share", shares.loc["replaced", "old"], at_least=0.08, at_most=0.4)
check("Kept beside it: old less new, share", shares.loc["kept", "old"] - shares.loc["kept", "new"], at_least=0.05)


# %%NBQA-CELL-SEPacaf5d
clusters = KMeans(round(len(store) ** 0.5), n_init=1, random_state=0).fit(vectors["store"])
centres, member = clusters.cluster_centers_, clusters.labels_  # (clusters, 384), (store,)
nearest = np.argsort(-(vectors["written"] @ centres.T), axis=1)
true_ten = ranking(scores["written"]["dense"])[:, :10]


def kept(found):
    """The share of brute force's first ten that another search finds too."""
    return np.mean([len(set(a) & set(b)) for a, b in zip(true_ten, found, strict=True)]) / 10


table = {}
for opened in (1, 2, 4, 8, 16):
    open_to = (member[None, :, None] == nearest[:, None, :opened]).any(2)  # (questions, store)
    found = ranking(np.where(open_to, scores["written"]["dense"], -np.inf))[:, :10]
    recall_10 = np.mean([right in some for right, some in zip(gold["written"], found, strict=True)])
    table[opened] = {
        "vectors compared": (open_to.sum(1).mean() + len(centres)) / len(store),
        "of the true ten": kept(found),
        "recall@10": recall_10,
    }
index = pd.DataFrame(table).T.rename_axis("clusters opened")
rounded = np.round(127 * vectors["store"] / np.abs(vectors["store"]).max()).astype(np.int8)
bytes_kept = kept(ranking(vectors["written"] @ rounded.T.astype(np.float32))[:, :10])
print(f"one byte a number: {bytes_kept:.3f} of the true ten")
index.round(3)


# %%NBQA-CELL-SEPacaf5d
d = vectors["store"].shape[1]
sizes = {
    "this store": len(store),
    "all of WikiText-2": sum(
        len(line.split()) >= 20 for split in wikitext.values() for line in split["text"] if not line.startswith("=")
    ),
    "RAG's Wikipedia": 21_000_000,
}
costs = {
    name: {
        "texts": N,
        "float32, GB": 4 * N * d / 1e9,
        "bytes, GB": N * d / 1e9,
        "brute force, 10^6 mult.": N * d / 1e6,
        "8 clusters of sqrt(N)": (8 * N**0.5 + N**0.5) * d / 1e6,
    }
    for name, N in sizes.items()
}
pd.DataFrame(costs).T.round(3)


# %%NBQA-CELL-SEPacaf5d
check("One byte a number: share of the true ten", float(bytes_kept), at_least=0.95)
check("8 clusters opened: vectors compared, share", index.loc[8, "vectors compared"], at_most=0.4)
check("8 clusters opened: share of the true ten", index.loc[8, "of the true ten"], at_least=0.8)
check("1 cluster opened: share of the true ten", index.loc[1, "of the true ten"], at_most=0.7)
check("21 million texts, float32, GB", costs["RAG's Wikipedia"]["float32, GB"], at_least=30, at_most=35)
saving = costs["RAG's Wikipedia"]["brute force, 10^6 mult."] / costs["RAG's Wikipedia"]["8 clusters of sqrt(N)"]
check("21 million texts: multiplications of brute force for one of 8 clusters", saving, at_least=400)


# %%NBQA-CELL-SEPacaf5d
in_tokens = np.array([len(some) for some in tokenizer(titled(store))["input_ids"]])
shares_cut = np.mean(in_tokens > 128), np.mean(in_tokens[gold["written"]] > 128)
print(f"longer than 128 tokens: {shares_cut[0]:.2f} of the store, {shares_cut[1]:.2f} of the right paragraphs")


# %%NBQA-CELL-SEPacaf5d
check("Paragraphs cut at 128 tokens, share", float(np.mean(in_tokens > 128)), at_least=0.5, at_most=0.6)


# %%NBQA-CELL-SEPacaf5d
longer = runs[runs["max_length"] == 256].iloc[0]
limits = {
    limit: {f"{name}, recall@{k}": shown(recorded(run, name, 0, "dense") <= k, three) for name in sets for k in (1, 5)}
    for limit, run in ((128, main), (256, longer))
}
pd.DataFrame(limits).T.rename_axis("tokens read")


# %%NBQA-CELL-SEPacaf5d
for name in sets:
    for k in (1, 5):
        hits = [recorded(run, name, 0, "dense") <= k for run in (main, longer)]
        gain, low, high = interval(1.0 * hits[1] - hits[0])
        check(f"256 tokens for 128, {name}: recall@{k} gained", gain, at_least=-0.02, at_most=0.03)
        check("Its interval holds zero", bool(low < 0 < high))


# %%NBQA-CELL-SEPacaf5d
def result(task, model, metric, numbers, record=None):
    value, low, high = interval(numbers)
    row = {"task": task, "model": model, "metric": metric, "value": value, "low": low, "high": high}
    return row | {"seconds": None, "trainable": None, "record": record}


summary = [
    result(f"WikiText-2 test paragraphs, {name}", who, f"recall@{k}", places <= k)
    for (name, who), places in rank.items()
    for k in (1, 5, 20)
    if who != "random"
]
summary += [
    result(f"answers with retrieval, {name}", f"word overlap, {who}, k = {k}" if k else who, "SQuAD EM", values[0])
    for (name, who, k), values in answered.items()
]
summary += [
    result("WikiText-2 test sentences, written", who, "answer in 300 words", row["read"] <= 300, "knowledge-pieces")
    for (unit, who), row in cut_rows.items()
    if unit == "sentence"
]
results.show(summary)
