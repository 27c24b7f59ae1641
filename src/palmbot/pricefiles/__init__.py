"""Price files in and out: readers, quality report, writers.

May import `core` and `domain`. Every refusal names the file, the row and the mend.
Start with `reader.read_price_file`; its steps are `table` (bytes to cells), `columns` (which column
is what), `stamps` (cells to times), `amounts` (cells to prices) and `verdicts` (what is refused).
"""
