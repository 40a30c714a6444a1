"""Scores become text: tables for a terminal and for Markdown, a page with plots. Computes no metric."""
