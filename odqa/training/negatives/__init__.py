"""Answerable questions go in, unanswerable ones come out, by rules. Knows nothing of tokens or of the reader.

The kinds follow what SQuAD 2.0 asks (Rajpurkar, Jia and Liang 2018, table 2) and what a reader meets in a pipeline:

``negation``   the question's verb negated
``antonym``    a word by its opposite
``entity``     a name by another one that the context uses alike, or a part of it by a part of another
``number``     a number by another one
``exclusion``  a content word by another one of the context that is used alike
``condition``  the question under a condition that the context does not speak of in its answer
``article``    the question over another paragraph of its article: one that shares much weight of words with it
``retrieved``  the question over a passage that the retriever ranks high and that has something of the answer's shape,
               of the data or of an index
``deleted``    the question over its paragraph without the sentences that answer it
``simple``     any of the first four or, in one of two cases, ``article`` or ``deleted``

The first six change the question and leave the context; the other three change the context. A context that still
holds a reference answer's text is never used. What comes out is probably, not surely, unanswerable: a few in a
hundred still have an answer, which training tolerates.
"""
