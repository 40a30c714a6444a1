"""Office files and e-books -> Documents: a loader a format."""
