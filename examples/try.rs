#![allow(warnings)]
use scaffold_events::{config::Config, contract, plan, tree::Tree};
fn main() {
    let root = std::env::args().nth(1).unwrap();
    let mut c = Config::default();
    let a: Vec<String> = std::env::args().collect();
    if let Some(p) = a.iter().position(|x| x == "--route") {
        c.route = Some(scaffold_events::config::values::route(&a[p + 1]).unwrap());
    }
    if let Some(p) = a.iter().position(|x| x == "--settings") {
        c.settings = Some(scaffold_events::config::values::file(&a[p + 1]).unwrap());
    }
    if let Some(p) = a.iter().position(|x| x == "--name") {
        c.name = Some(a[p + 1].clone());
    } else {
        c.name = Some("orders".into());
    }
    let tree = Tree::disk(std::path::Path::new(&root));
    match plan::plan(&tree, &c, &contract::Contracts::embedded()) {
        Err(e) => println!("BUG {e:#}"),
        Ok(p) => {
            for ch in &p.changes {
                let before = ch.before.as_deref().unwrap_or_default();
                let after = ch.after.as_deref().unwrap_or_default();
                println!(
                    "{}",
                    diffy::create_patch(
                        &String::from_utf8_lossy(before),
                        &String::from_utf8_lossy(after)
                    )
                );
            }
            for f in &p.findings {
                println!(
                    "{:?} {} {} {:?} {:?}",
                    f.level, f.code, f.message, f.places, f.help
                );
            }
        }
    }
}
