"""Questions with their passages -> what an encoder learns of them, and what a cross-encoder learns."""
