"""Text, marked up or not -> Documents and their blocks: a loader a format."""
