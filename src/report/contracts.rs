//! The list of contracts, for a person and for a script. Pure text.

use serde_json::json;

use crate::contract::Contract;

/// One contract a line: its id, its library's releases, what differs.
pub fn contracts(contracts: &[Contract]) -> String {
    let rows: Vec<[String; 3]> = contracts
        .iter()
        .map(|contract| [contract.id.clone(), releases(contract), contract.summary()])
        .collect();
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let (id, library) = (width(0), width(1));
    let lines: Vec<String> = rows
        .iter()
        .map(|[a, b, c]| format!("{a:id$}  {b:library$}  {c}\n"))
        .collect();
    lines.concat()
}

/// The same as a JSON array.
pub fn contracts_json(contracts: &[Contract]) -> String {
    let rows: Vec<serde_json::Value> = contracts
        .iter()
        .map(|contract| {
            json!({
                "id": contract.id,
                "library": contract.library,
                "from": contract.library_from,
                "to": contract.library_version,
                "summary": contract.summary(),
            })
        })
        .collect();
    format!("{:#}\n", serde_json::Value::Array(rows))
}

fn releases(contract: &Contract) -> String {
    let Contract {
        library,
        library_from,
        library_version,
        ..
    } = contract;
    match library_from {
        Some(from) => format!("{library} {from} to {library_version}"),
        None => format!("{library} up to {library_version}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Contracts;

    fn all() -> Vec<Contract> {
        let known = Contracts::embedded();
        let ids = known.ids();
        ids.iter().map(|id| known.find(id).unwrap()).collect()
    }

    #[test]
    fn a_contract_is_a_line() {
        let text = contracts(&all());
        assert_eq!(
            text.split('\n').next().unwrap(),
            "zc-common@1.0  zc_common up to 0.2.12     exchange microservice-events; \
             queue without arguments; listener calls the handlers itself"
        );
        assert!(text.contains("queue with x-max-priority=10; listener hands over to zc_events\n"));
        assert_eq!(text.matches('\n').count(), all().len());
    }

    #[test]
    fn the_same_is_json() {
        let rows: serde_json::Value = serde_json::from_str(&contracts_json(&all())).unwrap();
        assert_eq!(rows[0]["from"], serde_json::Value::Null);
        assert_eq!(rows[3]["id"], "zc-events@3.0");
        assert_eq!(rows[3]["to"], "0.3.10");
    }
}
