# extension.mk: what the extension is made of. A name without a file is an error.

# Folders from the ground up: nothing below knows what stands above it (test/check_floors holds it).
EXTENSION_FLOORS = base code record filter party knowledge outbox quarantine agreement capture registry \
	look_again subscription delivery routing inbox answer intake upkeep forget health onboarding rights

EXTENSION_SOURCES = \
	extension/base/own_relation.c extension/base/owner_query.c extension/base/raise_error.c \
	extension/base/session_lock.c \
	extension/base/text_format.c extension/base/time_budget.c \
	extension/base/tracking_expression.c \
	extension/code/code_directory.c extension/code/code_type.c \
	extension/record/data_object.c extension/record/projection.c extension/record/record_build.c \
	extension/record/record_check.c extension/record/record_identity.c \
	extension/record/record_json.c extension/record/record_read.c \
	extension/record/record_status.c extension/record/record_value.c \
	extension/record/record_wire.c \
	extension/filter/filter_column.c extension/filter/filter_comparison.c \
	extension/filter/filter_expression.c extension/filter/filter_match.c \
	extension/filter/filter_parse.c extension/filter/filter_path.c \
	extension/filter/filter_predicate.c extension/filter/filter_reach.c \
	extension/filter/filter_sql.c extension/filter/filter_tree.c extension/filter/filter_value.c \
	extension/filter/record_match.c \
	extension/capture/change_capture.c extension/capture/change_image.c \
	extension/capture/change_log.c extension/capture/change_origin.c extension/capture/doorbell.c \
	extension/capture/tracking_cache.c extension/capture/tracking_row.c \
	extension/capture/tracking_store.c \
	extension/subscription/cron.c extension/subscription/cron_find.c \
	extension/subscription/cron_parse.c \
	extension/casesync.c

# The parts of the install script: tables and types first, then what works on them, in the order in
# which they need each other.
GENERATED_SQL = extension/generated/code_type.sql
# Types are made once, as tables are.
SQL_TABLES = extension/base/schema.sql $(GENERATED_SQL) \
	extension/base/tables.sql \
	extension/code/tables.sql \
	extension/party/tables.sql \
	extension/knowledge/tables.sql extension/outbox/tables.sql \
	extension/quarantine/tables.sql \
	extension/agreement/tables.sql \
	extension/capture/tables.sql \
	extension/registry/tables.sql \
	extension/subscription/tables.sql \
	extension/delivery/tables.sql \
	extension/routing/tables.sql \
	extension/inbox/tables.sql \
	extension/answer/tables.sql \
	extension/forget/tables.sql extension/rights/tables.sql
SQL_CODE = \
	extension/base/value.sql extension/base/text_format.sql extension/base/owner_query.sql \
	extension/base/audit.sql \
	extension/code/code_type.sql extension/code/crosswalk.sql \
	\
	extension/record/record_check.sql extension/record/record_build.sql \
	extension/record/projection.sql \
	extension/filter/filter.sql \
	extension/party/node.sql extension/party/partner.sql extension/party/partner_key.sql \
	extension/party/client.sql extension/party/client_check.sql extension/party/jwks.sql \
	extension/party/encryption.sql extension/party/lane.sql \
	extension/knowledge/disclosure.sql extension/outbox/notification.sql \
	extension/quarantine/quarantine.sql \
	extension/agreement/event_type.sql extension/agreement/registry.sql \
	extension/agreement/agreement.sql extension/agreement/activation.sql \
	extension/agreement/sharing.sql \
	extension/capture/change_log.sql extension/capture/tracking.sql \
	extension/capture/tracking_trigger.sql extension/capture/gap.sql \
	extension/capture/tracking_drift.sql \
	extension/registry/render.sql extension/registry/search.sql extension/registry/preview.sql \
	extension/subscription/cron.sql extension/subscription/subscription.sql \
	extension/subscription/subscription_lane.sql \
	extension/subscription/subscription_wish.sql extension/subscription/my_subscription.sql \
	extension/delivery/delivery.sql extension/delivery/outcome.sql \
	extension/delivery/dead_letter.sql extension/delivery/answer_sent.sql \
	extension/routing/routing_window.sql extension/routing/routing_subject.sql \
	extension/routing/routing_filter.sql extension/routing/routing_partner.sql \
	extension/routing/routing.sql extension/routing/rehearsal.sql \
	extension/routing/resume.sql \
	extension/inbox/inbox.sql extension/inbox/message_read.sql \
	extension/inbox/receive_subscription.sql extension/inbox/receive_notify.sql \
	extension/inbox/search_at.sql \
	extension/answer/answering.sql extension/answer/search_answer.sql \
	extension/answer/transaction_status.sql extension/answer/enrollment.sql \
	extension/look_again/look_again.sql extension/intake/receive.sql extension/forget/erase.sql \
	extension/forget/prune.sql extension/upkeep/tidy.sql extension/health/status_views.sql \
	extension/onboarding/onboarding.sql extension/rights/grants.sql
SQL_FILES = $(SQL_TABLES) $(SQL_CODE)
