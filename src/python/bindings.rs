//! What names a scope binds, and which bindings are live at its end. Pure.
