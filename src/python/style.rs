//! Newline, indentation, quotes, trailing comma: local evidence first. Pure.
