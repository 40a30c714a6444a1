"""Web pages -> Documents. ``load`` is the loader."""
