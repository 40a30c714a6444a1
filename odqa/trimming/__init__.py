"""A model and texts go in, the same model with only the tokens that the texts need comes out."""
