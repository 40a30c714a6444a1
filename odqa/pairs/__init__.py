"""Questions with their passages -> what an encoder learns of them, and whether it finds more."""
