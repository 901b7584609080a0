//! Celery's settings whose new name, under the namespace `CELERY`, is not the old one.
//!
//! From `celery.app.defaults` of Celery 5.4, without those that the wiring touches.

/// What Celery 4 calls a setting of Celery 3: `worker_concurrency` for `CELERYD_CONCURRENCY`.
pub fn renamed(old: &str) -> Option<&'static str> {
    let at = RENAMED.binary_search_by_key(&old, |(old, _)| old).ok()?;
    Some(RENAMED[at].1)
}

/// The old names.
pub fn old_names() -> impl Iterator<Item = &'static str> {
    RENAMED.iter().map(|(old, _)| *old)
}

const RENAMED: &[(&str, &str)] = &[
    (
        "CELERYBEAT_CRON_STARTING_DEADLINE",
        "beat_cron_starting_deadline",
    ),
    ("CELERYBEAT_MAX_LOOP_INTERVAL", "beat_max_loop_interval"),
    ("CELERYBEAT_SCHEDULE", "beat_schedule"),
    ("CELERYBEAT_SCHEDULER", "beat_scheduler"),
    ("CELERYBEAT_SCHEDULE_FILENAME", "beat_schedule_filename"),
    ("CELERYBEAT_SYNC_EVERY", "beat_sync_every"),
    ("CELERYD_AGENT", "worker_agent"),
    ("CELERYD_AUTOSCALER", "worker_autoscaler"),
    (
        "CELERYD_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS",
        "worker_cancel_long_running_tasks_on_connection_loss",
    ),
    ("CELERYD_CONCURRENCY", "worker_concurrency"),
    ("CELERYD_CONSUMER", "worker_consumer"),
    (
        "CELERYD_DEDUPLICATE_SUCCESSFUL_TASKS",
        "worker_deduplicate_successful_tasks",
    ),
    (
        "CELERYD_ENABLE_PREFETCH_COUNT_REDUCTION",
        "worker_enable_prefetch_count_reduction",
    ),
    ("CELERYD_HIJACK_ROOT_LOGGER", "worker_hijack_root_logger"),
    ("CELERYD_LOG_COLOR", "worker_log_color"),
    ("CELERYD_LOG_FORMAT", "worker_log_format"),
    (
        "CELERYD_MAX_MEMORY_PER_CHILD",
        "worker_max_memory_per_child",
    ),
    ("CELERYD_MAX_TASKS_PER_CHILD", "worker_max_tasks_per_child"),
    ("CELERYD_POOL", "worker_pool"),
    ("CELERYD_POOL_PUTLOCKS", "worker_pool_putlocks"),
    ("CELERYD_POOL_RESTARTS", "worker_pool_restarts"),
    ("CELERYD_PREFETCH_MULTIPLIER", "worker_prefetch_multiplier"),
    ("CELERYD_PROC_ALIVE_TIMEOUT", "worker_proc_alive_timeout"),
    ("CELERYD_STATE_DB", "worker_state_db"),
    ("CELERYD_TASK_LOG_FORMAT", "worker_task_log_format"),
    ("CELERYD_TASK_SOFT_TIME_LIMIT", "task_soft_time_limit"),
    ("CELERYD_TASK_TIME_LIMIT", "task_time_limit"),
    ("CELERYD_TIMER", "worker_timer"),
    ("CELERYD_TIMER_PRECISION", "worker_timer_precision"),
    ("CELERYD_WORKER_LOST_WAIT", "worker_lost_wait"),
    ("CELERY_ACKS_LATE", "task_acks_late"),
    (
        "CELERY_ACKS_ON_FAILURE_OR_TIMEOUT",
        "task_acks_on_failure_or_timeout",
    ),
    (
        "CELERY_ALLOW_ERROR_CB_ON_CHORD_HEADER",
        "task_allow_error_cb_on_chord_header",
    ),
    ("CELERY_ALWAYS_EAGER", "task_always_eager"),
    ("CELERY_ANNOTATIONS", "task_annotations"),
    ("CELERY_CREATE_MISSING_QUEUES", "task_create_missing_queues"),
    ("CELERY_DEFAULT_DELIVERY_MODE", "task_default_delivery_mode"),
    ("CELERY_DEFAULT_EXCHANGE", "task_default_exchange"),
    ("CELERY_DEFAULT_EXCHANGE_TYPE", "task_default_exchange_type"),
    ("CELERY_DEFAULT_PRIORITY", "task_default_priority"),
    ("CELERY_DEFAULT_RATE_LIMIT", "task_default_rate_limit"),
    ("CELERY_DEFAULT_ROUTING_KEY", "task_default_routing_key"),
    ("CELERY_DISABLE_RATE_LIMITS", "worker_disable_rate_limits"),
    (
        "CELERY_EAGER_PROPAGATES_EXCEPTIONS",
        "task_eager_propagates",
    ),
    (
        "CELERY_ENABLE_REMOTE_CONTROL",
        "worker_enable_remote_control",
    ),
    ("CELERY_IGNORE_RESULT", "task_ignore_result"),
    (
        "CELERY_INHERIT_PARENT_PRIORITY",
        "task_inherit_parent_priority",
    ),
    ("CELERY_MAX_CACHED_RESULTS", "result_cache_max"),
    ("CELERY_MESSAGE_COMPRESSION", "task_compression"),
    ("CELERY_QUEUE_MAX_PRIORITY", "task_queue_max_priority"),
    ("CELERY_REDIRECT_STDOUTS", "worker_redirect_stdouts"),
    (
        "CELERY_REDIRECT_STDOUTS_LEVEL",
        "worker_redirect_stdouts_level",
    ),
    ("CELERY_REJECT_ON_WORKER_LOST", "task_reject_on_worker_lost"),
    ("CELERY_REMOTE_TRACEBACKS", "task_remote_tracebacks"),
    ("CELERY_RESULT_DBURI", "database_url"),
    (
        "CELERY_RESULT_DB_SHORT_LIVED_SESSIONS",
        "database_short_lived_sessions",
    ),
    ("CELERY_RESULT_DB_TABLENAMES", "database_table_names"),
    ("CELERY_RESULT_ENGINE_OPTIONS", "database_engine_options"),
    ("CELERY_SEND_EVENTS", "worker_send_task_events"),
    ("CELERY_SEND_TASK_SENT_EVENT", "task_send_sent_event"),
    ("CELERY_STORE_EAGER_RESULT", "task_store_eager_result"),
    (
        "CELERY_STORE_ERRORS_EVEN_IF_IGNORED",
        "task_store_errors_even_if_ignored",
    ),
    ("CELERY_TASK_RESULT_EXPIRES", "result_expires"),
    ("CELERY_TRACK_STARTED", "task_track_started"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_names_lead_to_new_ones() {
        assert!(RENAMED.is_sorted());
        assert_eq!(renamed("CELERYD_CONCURRENCY"), Some("worker_concurrency"));
        assert_eq!(renamed("CELERY_TIMEZONE"), None);
    }
}
