//! How a wired service stands: what is not as it should be, each thing by its name. Pure data.

use std::collections::BTreeSet;

/// One way in which a service can stand, worst first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum State {
    /// An error that no plan can mend.
    Broken,
    /// Our file was edited where a newer one differs too: a person must decide.
    Conflicting,
    /// Not wired yet.
    Unwired,
    /// A file of ours, or a setting that we put in, was changed or removed by hand.
    Drifted,
    /// A newer revision, or another spelling for Celery, waits for `sync`.
    Outdated,
    /// Wired, current, untouched.
    Clean,
}

impl State {
    /// Its name in words and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Broken => "broken",
            Self::Conflicting => "conflicting",
            Self::Unwired => "unwired",
            Self::Drifted => "drifted",
            Self::Outdated => "outdated",
            Self::Clean => "clean",
        }
    }
}

/// All that is the case; nothing is clean.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Standing(BTreeSet<State>);

impl Standing {
    /// Takes up one more thing, where it is the case.
    pub fn note(&mut self, state: State, is_so: bool) {
        if is_so {
            self.0.insert(state);
        }
    }

    /// Whether this is the case, whatever else is.
    pub fn has(&self, state: State) -> bool {
        self.0.contains(&state)
    }

    /// The one word for it.
    pub fn worst(&self) -> State {
        self.0.first().copied().unwrap_or(State::Clean)
    }
}
