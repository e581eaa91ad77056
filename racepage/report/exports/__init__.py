"""A trace in the formats that other viewers read: `racepage convert` writes them.

chrome, perfetto   the whole trace on a time line: for Perfetto and Chrome's own viewer
shiviz, dot        what is around one finding: for ShiViz and Graphviz
"""
