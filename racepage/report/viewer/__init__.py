"""The viewer: what a page in the browser shows, and how a trace gets into it.

The files in Python pack a trace; those in JavaScript unpack and draw it. Nothing is built: the
page's one script is the JavaScript files, in the order in which they import each other.
"""
