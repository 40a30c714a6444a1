"""From question-answering data to a reader's folder: labels, made negatives, the recipe, the loop, the card."""
