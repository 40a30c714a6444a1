"""From a question to passages: the dense encoder. Knows nothing of files or of how vectors are stored."""
