"""PDF files -> Documents. ``load`` is the loader."""
