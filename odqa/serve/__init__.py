"""An index served to others: an HTTP API and a page."""
