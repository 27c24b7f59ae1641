"""Reads session documents and reports, and writes into them without touching what others wrote.

Pure: text in, values and text out. May import `domain` alone.
"""
