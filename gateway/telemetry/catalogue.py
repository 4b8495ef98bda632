"""Every metric of the core.  ``docs/observability.md`` has the same table; a test holds the two together."""

from __future__ import annotations

from gateway.telemetry.series import Series

REQUESTS = Series(
    "payguard_requests_total",
    "counter",
    "Exchanges that have ended. A failure is a 5xx, or no answer at all.",
    ("route", "method", "status", "result"),
)
REQUEST_DURATION = Series(
    "payguard_request_duration_seconds",
    "histogram",
    "From a request's head to the last byte of its answer.",
    ("route",),
)
REFUSED = Series(
    "payguard_refused_total",
    "counter",
    "Requests refused before they became an exchange, by the problem's code.",
    ("code",),
)
IN_FLIGHT = Series("payguard_requests_in_flight", "gauge", "Exchanges under way.")
UPSTREAM_DURATION = Series(
    "payguard_upstream_duration_seconds", "histogram", "How long an attempt at an upstream took.", ("upstream",)
)
ATTEMPTS = Series(
    "payguard_attempts_total",
    "counter",
    "Attempts at an upstream, by the class of the answer's status or the code of the failure.",
    ("upstream", "result"),
)
FILTER_DECISIONS = Series(
    "payguard_filter_decisions_total",
    "counter",
    "What filters decided; in shadow mode, what they would have.",
    ("route", "filter", "mode", "decision"),
)
FILTER_SECONDS = Series(
    "payguard_filter_seconds_total",
    "counter",
    "Time spent in filters, both ways; divide by the decisions.",
    ("route", "filter", "mode", "decision"),
)
PAYMENTS = Series(
    "payguard_payments_total",
    "counter",
    "Money-moving exchanges by what became of them. Replays and refusals are released: nothing was executed.",
    ("operation", "outcome"),
)
PAYMENT_AMOUNT = Series(
    "payguard_payment_amount_minor_total",
    "counter",
    "Amounts of those payments, in minor units of the currency.",
    ("operation", "currency", "outcome"),
)
POOL_CONNECTIONS = Series(
    "payguard_pool_connections", "gauge", "Connections to an upstream, open in all and idle.", ("upstream", "state")
)
POOL_WAITING = Series("payguard_pool_waiting", "gauge", "Exchanges that wait for a connection.", ("upstream",))
POOL_EVENTS = Series(
    "payguard_pool_events_total",
    "counter",
    "Connections opened, reused, failed to open and expired; exchanges refused because none was free.",
    ("upstream", "event"),
)
DETECTED = Series(
    "payguard_detected_fields_total",
    "counter",
    "Messages of routes with detect that carried card data in a field that no filter protects.",
    ("route", "field", "kind"),
)
UNDETECTED = Series(
    "payguard_detection_passed_over_total", "counter", "Bodies of such routes that were not looked at.", ("route",)
)
POLICY_INFO = Series("payguard_policy_info", "gauge", "1 for the policy in force.", ("digest",))
POLICY_RELOADS = Series("payguard_policy_reloads_total", "counter", "What became of policy reloads.", ("result",))
POLICY_REJECTED = Series(
    "payguard_policy_last_rejected",
    "gauge",
    "1 while the newest edit of the policy is rejected and the one before it serves.",
)
JOB_RUNS = Series("payguard_job_runs_total", "counter", "Runs of background jobs.", ("job", "result"))
CHECK_UP = Series("payguard_check_up", "gauge", "1 where a health check is well, 0 where it is not.", ("check",))
EVENTS = Series("payguard_events_total", "counter", "Events that people should hear of.", ("event", "severity"))
LEDGER_QUEUE = Series("payguard_ledger_queue", "gauge", "Statements that wait to be committed.")
LEDGER_COMMITS = Series(
    "payguard_ledger_commits_total", "counter", "Groups of statements that were committed together."
)
LEDGER_STATEMENTS = Series(
    "payguard_ledger_statements_total", "counter", "Statements in those groups; divide by the commits."
)
LEDGER_FAILURES = Series(
    "payguard_ledger_failures_total",
    "counter",
    "Statements that were refused, or of which nobody knows whether they were committed.",
)
LEDGER_SLOW = Series("payguard_ledger_slow_total", "counter", "Groups, and reads, that took a second or more.")
LEDGER_SECONDS = Series("payguard_ledger_commit_seconds_total", "counter", "Time that the groups took.")
LEDGER_CONNECTIONS = Series(
    "payguard_ledger_connections", "gauge", "Connections to the database, open in all and idle.", ("state",)
)
AUDIT_ENTRIES = Series("payguard_audit_entries_total", "counter", "Entries that the audit trail took.")
AUDIT_LOST = Series("payguard_audit_lost_total", "counter", "Entries for which it had no room, and which are lost.")
AUDIT_WAITING = Series("payguard_audit_waiting", "gauge", "Entries that wait to be committed.")
STORE_ENTRIES = Series("payguard_store_entries", "gauge", "Keys that the store in memory holds.")
STORE_CALLS = Series("payguard_store_calls_total", "counter", "What was asked of the store.")
STORE_PIPELINES = Series(
    "payguard_store_pipelines_total",
    "counter",
    "Round trips to Redis that the calls went in; divide the calls by them.",
)
STORE_ERRORS = Series("payguard_store_errors_total", "counter", "Calls that the store could not carry out.")
STORE_SECONDS = Series("payguard_store_seconds_total", "counter", "Time that the round trips took; divide by them.")
STORE_CONNECTS = Series("payguard_store_connects_total", "counter", "Connections made to Redis.")
STORE_FALLBACKS = Series(
    "payguard_store_fallbacks_total", "counter", "Calls that were decided in this process because Redis was away."
)
PAYMENTS_OPEN = Series(
    "payguard_payments_open",
    "gauge",
    "Payments in the ledger that are not settled. Unresolved ones wait for a human.",
    ("state",),
)
PAYMENTS_OLDEST = Series(
    "payguard_payments_oldest_seconds", "gauge", "How long ago the oldest of each was created.", ("state",)
)
RECOVERY_ANSWERS = Series(
    "payguard_recovery_answers_total", "counter", "What resolvers answered.", ("resolver", "answer")
)
RECOVERY_SECONDS = Series(
    "payguard_recovery_seconds_total", "counter", "Time that they took; divide by the answers.", ("resolver",)
)
RECOVERY_RESULTS = Series(
    "payguard_recovery_results_total",
    "counter",
    "What was written of payments that were asked after: a state, or postponed.",
    ("result",),
)
RETRIES_OPEN = Series(
    "payguard_retries_open", "gauge", "Declined payments that wait for an attempt, or have one open.", ("state",)
)
RETRIES = Series(
    "payguard_retries_total",
    "counter",
    "What was written of them: scheduled, attempted, what the attempt came to, or why there is no other.",
    ("result",),
)
FETCHES = Series(
    "payguard_background_requests_total",
    "counter",
    "Requests that the gateway made itself, such as to warm a cache. No client's metric counts them.",
    ("route", "result"),
)
LINES_DROPPED = Series(
    "payguard_log_lines_dropped_total", "counter", "Log lines lost because nobody read them in time."
)
LOOP_LAG = Series(
    "payguard_event_loop_lag_seconds", "histogram", "How late the event loop is, measured ten times a second."
)

PROCESS = ("process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds")
"""Those of prometheus_client's ProcessCollector that the documentation speaks of."""

SERIES = tuple(value for value in globals().values() if isinstance(value, Series))
