"""Both searches: the encoder and dense search, which is all that is FAISS; words and BM25; the fusion of the two."""
