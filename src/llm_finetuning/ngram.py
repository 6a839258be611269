"""Modified Kneser-Ney, as the page on n-gram models derives it: the baseline that later models are held against."""

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.integer]
Floats = npt.NDArray[np.float64]

FALLBACK_DISCOUNTS = (0.5, 1.0, 1.5)  # kenlm's, for counts too few or too regular to estimate them from


class KneserNey:
    """Interpolated n-gram model with modified Kneser-Ney smoothing (Chen and Goodman 1999).

    ``tokens`` is a text as one stream of word numbers below ``vocab_size``, shape (tokens,); ``order`` is the N of
    the N-grams. Counts are raw at the highest order and continuation counts below it; each order has three discounts,
    estimated from its own counts of counts; the unigram is interpolated with the uniform distribution, so that no
    word of the vocabulary has probability zero. Raises ValueError for an order or word numbers that cannot be.
    """

    def __init__(self, tokens: Integers, vocab_size: int, order: int):
        """Count the n-grams of ``tokens`` up to ``order``, and discount them."""
        if not 1 <= order <= len(tokens):
            raise ValueError(f"An order of {order} does not fit {len(tokens)} tokens: choose one of 1 to their number.")
        self.vocab_size = vocab_size
        self.discounts: list[Floats] = []  # per order: what is taken off a count of 0, 1, 2, and 3 or more
        self._codes: list[Integers] = []  # per order: each n-gram once, as number of its context * vocab_size + word
        self._kept: list[Floats] = []  # per n-gram: its discounted share of its context; a zero at the end
        self._freed: list[Floats] = []  # per context: the share left to the lower order; a one at the end
        counts = self._count(self._checked(tokens), order)
        for n, (codes, adjusted) in enumerate(zip(self._codes, counts, strict=True)):
            discounts = _discounts(adjusted)
            taken = discounts[np.minimum(adjusted, 3)]  # (n-grams,)
            context = codes // vocab_size  # (n-grams,)
            contexts = len(self._codes[n - 1]) if n else 1
            total = np.bincount(context, adjusted, contexts)  # (contexts,)
            divisor = np.maximum(total, 1)  # no count is left of a context that only ends the text
            freed = np.where(total > 0, np.bincount(context, taken, contexts) / divisor, 1.0)
            self.discounts.append(discounts)
            self._kept.append(np.append((adjusted - taken) / divisor[context], 0.0))
            self._freed.append(np.append(freed, 1.0))

    def log_probabilities(self, tokens: Integers) -> Floats:
        """Return the natural logarithm of each token's probability given those before it, shape (tokens,).

        The text is one stream. Where fewer than N - 1 tokens precede, those that do are the context; the first token
        has the probability of the unigram.
        """
        tokens = self._checked(tokens)
        probability = np.full(len(tokens), 1 / self.vocab_size)
        numbers = np.zeros(len(tokens) + 1, dtype=np.int64)  # of the empty context before each token
        for n, (codes, kept, freed) in enumerate(zip(self._codes, self._kept, self._freed, strict=True)):
            context = numbers[:-1]
            wanted = context * self.vocab_size + tokens[n:]
            place = np.minimum(np.searchsorted(codes, wanted), len(codes) - 1)
            # Number -1 is "never seen"; it reads the zero and the one at the ends of kept and freed.
            numbers = np.where((context >= 0) & (codes[place] == wanted), place, -1)
            probability[n:] = kept[numbers] + freed[context] * probability[n:]
        logarithms: Floats = np.log(probability)
        return logarithms

    def perplexity(self, tokens: Integers) -> float:
        """Return the perplexity of a text, over all its tokens."""
        return float(np.exp(-self.log_probabilities(tokens).mean()))

    def _count(self, tokens: Integers, order: int) -> list[Integers]:
        """Number the n-grams of every order, and return their counts: raw at the highest, of left neighbours below."""
        numbers = np.zeros(len(tokens) + 1, dtype=np.int64)
        counts: list[Integers] = []
        for n in range(order):
            shorter = numbers
            wanted = shorter[:-1] * self.vocab_size + tokens[n:]
            codes, first, numbers, raw = np.unique(wanted, return_index=True, return_inverse=True, return_counts=True)
            if n:  # each distinct n-gram is one left neighbour of the shorter one at its end
                counts[-1] = np.bincount(shorter[1:][first], minlength=len(self._codes[-1]))
            self._codes.append(codes)
            counts.append(raw)
        return counts

    def _checked(self, tokens: Integers) -> npt.NDArray[np.int64]:
        if len(tokens) and not 0 <= tokens.min() <= tokens.max() < self.vocab_size:
            raise ValueError(f"Word numbers have to lie between 0 and {self.vocab_size - 1}.")
        return tokens.astype(np.int64)


def _discounts(counts: Integers) -> Floats:
    """Return the discounts of the counts 0, 1, 2, and 3 or more (Chen and Goodman 1999)."""
    n1, n2, n3, n4 = (int(np.sum(counts == count)) for count in (1, 2, 3, 4))
    if n1 and n2 and n3:
        share = n1 / (n1 + 2 * n2)
        found = np.array([0, 1 - 2 * share * n2 / n1, 2 - 3 * share * n3 / n2, 3 - 4 * share * n4 / n3])
        if n4 and found.min() >= 0:
            return found
    return np.array([0, *FALLBACK_DISCOUNTS])
