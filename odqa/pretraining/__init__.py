"""Texts and a recipe go in, a masked language model's folder comes out; and what such a model puts for a mask."""
