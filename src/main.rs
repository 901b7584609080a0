//! The program: parse arguments, run, print the error chain, exit.
fn main() {}
