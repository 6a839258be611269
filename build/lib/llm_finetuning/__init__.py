"""The thin helper behind the pages of "Fine-Tuning Large Language Models: Challenges and Explorations".

What a reader should learn is written out on the pages; this package holds only the plumbing they share.
"""
