"""Public corpora of emotional support: one reader and one writer a format, found by the file's content."""

from simulator.corpora.reading import Corpus, read_corpus
from simulator.corpora.writing import write_corpus

__all__ = ["Corpus", "read_corpus", "write_corpus"]
