#![allow(warnings)]
use scaffold_events::{config::Config, contract, scaffold, tree::Tree};
fn main() {
    let root = std::env::args().nth(1).unwrap();
    let tree = Tree::disk(std::path::Path::new(&root));
    println!("vacant {}", scaffold::is_vacant(&tree));
    match scaffold::create(&tree, &Config::default(), &contract::Contracts::embedded()) {
        Err(e) => println!("BUG {e:#}"),
        Ok(p) => {
            scaffold_events::apply::apply(&tree, std::path::Path::new(&root), &p.changes).unwrap();
            for f in &p.findings {
                println!(
                    "{:?} {} {} {:?} {:?}",
                    f.level, f.code, f.message, f.places, f.help
                );
            }
        }
    }
}
