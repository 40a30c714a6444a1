"""Questions with their passages -> a cross-encoder that puts what a search found into a better order."""
