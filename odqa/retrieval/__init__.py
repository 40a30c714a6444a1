"""What finds passages: the encoder, keywords, their fusion. Knows no files to index and no stored vectors."""
