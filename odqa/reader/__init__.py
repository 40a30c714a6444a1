"""Question and text in, spans out: features, decoding, the model. Knows nothing of documents, indexes or ranking."""
