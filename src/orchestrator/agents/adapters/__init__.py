"""Known coding agents, each behind `ports.Adapter`: fixed templates, probes, output shapes.

Start reading in `catalogue`. No text of a document or a report ever becomes an argument: the
prompt goes by standard input or by file. May import what `agents` may import.
"""
