"""Question-answering data and a recipe go in, a reader's folder comes out."""
