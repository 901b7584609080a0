//! How a service spells Celery's settings. Alone knows the names; decides nothing.

mod names;

pub use names::{names, new_name};

/// One Celery setting that the wiring touches.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Setting {
    /// The queues a worker consumes.
    TaskQueues,
    /// Where tasks are sent.
    TaskRoutes,
    /// Modules a worker imports.
    Imports,
    /// The broker.
    BrokerUrl,
    /// The queue of tasks without a route.
    TaskDefaultQueue,
    /// Its exchange.
    TaskDefaultExchange,
    /// Its exchange's type.
    TaskDefaultExchangeType,
    /// Its routing key.
    TaskDefaultRoutingKey,
    /// `classic` or `quorum`.
    TaskDefaultQueueType,
    /// A priority argument on every queue.
    TaskQueueMaxPriority,
    /// A mirroring argument on every queue.
    TaskQueueHaPolicy,
    /// What a worker deserialises.
    AcceptContent,
}

/// How the names are written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Dialect {
    /// `CELERY_QUEUES`, `BROKER_URL`: the only one before Celery 4.
    Old,
    /// `CELERY_TASK_QUEUES`, with the namespace's prefix (`CELERY_`).
    Namespaced(String),
    /// `task_queues`.
    Lower,
}

impl Setting {
    /// Every setting, for tables.
    pub const ALL: [Self; 12] = [
        Self::TaskQueues,
        Self::TaskRoutes,
        Self::Imports,
        Self::BrokerUrl,
        Self::TaskDefaultQueue,
        Self::TaskDefaultExchange,
        Self::TaskDefaultExchangeType,
        Self::TaskDefaultRoutingKey,
        Self::TaskDefaultQueueType,
        Self::TaskQueueMaxPriority,
        Self::TaskQueueHaPolicy,
        Self::AcceptContent,
    ];

    /// Celery 4's name.
    pub fn lower(self) -> &'static str {
        self.names().0
    }

    /// Celery 3's name, or what later versions read beside the names of that time.
    pub fn old(self) -> &'static str {
        self.names().1
    }

    /// Whether some dialect spells it so, under whatever namespace.
    fn may_be(self, name: &str) -> bool {
        let prefix = name.strip_suffix(&self.lower().to_ascii_uppercase());
        name == self.old()
            || name == self.lower()
            || prefix.is_some_and(|prefix| prefix.is_empty() || prefix.ends_with('_'))
    }

    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::TaskQueues => ("task_queues", "CELERY_QUEUES"),
            Self::TaskRoutes => ("task_routes", "CELERY_ROUTES"),
            Self::Imports => ("imports", "CELERY_IMPORTS"),
            Self::BrokerUrl => ("broker_url", "BROKER_URL"),
            Self::TaskDefaultQueue => ("task_default_queue", "CELERY_DEFAULT_QUEUE"),
            Self::TaskDefaultExchange => ("task_default_exchange", "CELERY_DEFAULT_EXCHANGE"),
            Self::TaskDefaultExchangeType => {
                ("task_default_exchange_type", "CELERY_DEFAULT_EXCHANGE_TYPE")
            }
            Self::TaskDefaultRoutingKey => {
                ("task_default_routing_key", "CELERY_DEFAULT_ROUTING_KEY")
            }
            Self::TaskDefaultQueueType => ("task_default_queue_type", "CELERY_DEFAULT_QUEUE_TYPE"),
            Self::TaskQueueMaxPriority => ("task_queue_max_priority", "CELERY_QUEUE_MAX_PRIORITY"),
            Self::TaskQueueHaPolicy => ("task_queue_ha_policy", "CELERY_QUEUE_HA_POLICY"),
            Self::AcceptContent => ("accept_content", "CELERY_ACCEPT_CONTENT"),
        }
    }
}

impl Dialect {
    /// The setting's name in this dialect.
    ///
    /// ```
    /// # use scaffold_events::celery::{Dialect, Setting};
    /// assert_eq!(Dialect::Old.spell(Setting::TaskQueues), "CELERY_QUEUES");
    /// assert_eq!(Dialect::Namespaced("CELERY_".into()).spell(Setting::BrokerUrl), "CELERY_BROKER_URL");
    /// assert_eq!(Dialect::Lower.spell(Setting::Imports), "imports");
    /// ```
    pub fn spell(&self, setting: Setting) -> String {
        match self {
            Self::Old => setting.old().to_owned(),
            Self::Namespaced(prefix) => format!("{prefix}{}", setting.lower().to_ascii_uppercase()),
            Self::Lower => setting.lower().to_owned(),
        }
    }
}

/// Whether two names are one setting to Celery, each in some dialect.
///
/// ```
/// # use scaffold_events::celery::one_setting;
/// assert!(one_setting("CELERY_QUEUES", "task_queues") && one_setting("ORDERS_IMPORTS", "imports"));
/// assert!(!one_setting("CELERY_QUEUES", "CELERY_TASK_ROUTES"));
/// ```
pub fn one_setting(one: &str, other: &str) -> bool {
    let both = |setting: Setting| setting.may_be(one) && setting.may_be(other);
    one == other || Setting::ALL.into_iter().any(both)
}

/// The prefix that a namespace stands for: `CELERY` and `CELERY_` both give `CELERY_`.
pub fn prefix(namespace: &str) -> String {
    match namespace {
        "" => String::new(),
        name if name.ends_with('_') => name.to_owned(),
        name => format!("{name}_"),
    }
}
