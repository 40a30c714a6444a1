"""Work on a Ray cluster: files -> encoded documents, and any other pieces of work -> results. Knows no index."""
