//! What is known of a service before anything is planned. Pure.

use crate::config::Config;
use crate::contract::{Contract, Contracts};
use crate::facts::{self, Facts};
use crate::finding::Finding;
use crate::rules::contract_choice;
use crate::tree::Tree;

/// What a service is, and the contract it asks for.
pub struct Known {
    /// As its files have it.
    pub facts: Facts,
    /// By flag, config or pin.
    pub contract: Contract,
    /// Why this contract.
    pub(super) notes: Vec<Finding>,
}

impl Known {
    /// Reads a service; `config` has the flags in it already. The findings are those that keep it from being
    /// told.
    pub fn read(
        tree: &Tree,
        config: &Config,
        contracts: &Contracts,
        from: Option<&Contract>,
    ) -> Result<Self, Vec<Finding>> {
        let named = config.contract.as_deref();
        let named = named.map(|text| contracts.named(tree, text));
        let named = named.transpose()?;
        let libraries: Vec<&str> = libraries(named.as_ref(), from);
        let facts = facts::gather(tree, config, &libraries)?;
        let (contract, notes) = match named {
            Some(contract) => (contract, Vec::new()),
            None => contract_choice::choose(&facts.pins, contracts)?,
        };
        Ok(Self {
            facts,
            contract,
            notes,
        })
    }
}

/// The libraries whose pins matter besides those of released contracts.
pub(super) fn libraries<'c>(to: Option<&'c Contract>, from: Option<&'c Contract>) -> Vec<&'c str> {
    let both = to.into_iter().chain(from);
    both.map(|contract| contract.library.as_str()).collect()
}
