"""Questions with their passages -> an encoder that finds them."""
