//! Builds again when a template comes or goes: `include_dir` alone only sees those that change.
fn main() {
    println!("cargo::rerun-if-changed=templates");
}
