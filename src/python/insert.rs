//! *Where* text may go: after imports, at the end of a tuple. Gives an Edit; never decides what.
