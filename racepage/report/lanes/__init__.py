"""A finding drawn for a terminal: a lane for each of its two threads, and what orders them.

`scene` chooses the events around the finding and the edges between them, `draw` makes lines of
characters of that; the gutter between the lanes, with its arrows, is a grid (`gutter`).
"""
