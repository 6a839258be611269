"""The thin helper behind the pages of "Fine-Tuning Large Language Models: Challenges and Explorations".

What a reader should learn is written out on the pages; this package holds only the plumbing they share.
"""


class BookError(RuntimeError):
    """Something that a reader can do something about; its text says what."""
