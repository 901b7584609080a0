//! Python source as the rest of the program sees it: statements with byte spans, and where text may go.

pub mod bindings;
pub mod comments;
pub mod constant;
pub mod imports;
pub mod insert;
pub mod meaning;
pub mod parse;
pub mod style;
pub mod syntax;
