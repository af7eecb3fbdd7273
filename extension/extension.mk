# extension.mk: what the extension is made of. A name without a file is an error.

# Folders from the ground up: nothing below knows what stands above it (test/check_floors holds it).
EXTENSION_FLOORS = \
	base rights code record filter party knowledge outbox quarantine look_again agreement \
	capture registry conflict subscription routing inbox answer delivery intake upkeep forget \
	review casework \
	health onboarding upgrade

EXTENSION_SOURCES = \
	extension/base/condition_list.c extension/base/execute_apart.c extension/base/json_number.c \
	extension/base/known_caller.c extension/base/late_owner.c \
	extension/base/nearest_name.c \
	extension/base/one_look.c \
	extension/base/own_relation.c extension/base/owner_call.c extension/base/owner_query.c \
	extension/base/owner_scope.c \
	extension/base/proven_person.c extension/base/raise_error.c extension/base/session_lock.c extension/base/text_format.c \
	extension/base/time_budget.c extension/base/doorbell.c extension/base/gate.c extension/base/reading.c \
	extension/base/expression_tree.c extension/base/row_expression.c \
	extension/base/subjects_query.c extension/base/worker_function.c \
	extension/code/code_directory.c extension/code/code_type.c extension/code/mapped_code.c \
	extension/record/data_object.c extension/record/projection.c \
	extension/record/record_build.c extension/record/record_check.c extension/record/record_field.c \
	extension/record/record_identity.c extension/record/record_json.c \
	extension/record/record_read.c extension/record/record_status.c \
	extension/record/record_value.c extension/record/record_wire.c \
	extension/filter/filter_cache.c extension/filter/filter_column.c \
	extension/filter/filter_comparison.c extension/filter/filter_expression.c \
	extension/filter/filter_judge.c extension/filter/filter_match.c \
	extension/filter/filter_parse.c extension/filter/filter_path.c \
	extension/filter/filter_predicate.c extension/filter/filter_reach.c \
	extension/filter/filter_sql.c extension/filter/filter_tree.c \
	extension/filter/filter_value.c extension/filter/record_match.c \
	extension/capture/change_batch.c extension/capture/change_capture.c \
	extension/capture/change_difference.c \
	extension/capture/change_image.c extension/capture/change_leaf.c \
	extension/capture/change_log.c extension/capture/change_origin.c \
	extension/capture/change_row.c extension/capture/statement_end.c \
	extension/capture/tracking_cache.c extension/capture/tracking_condition.c \
	extension/capture/tracking_row.c \
	extension/capture/tracking_store.c extension/capture/tracking_tree.c \
	extension/capture/unseen_write.c \
	extension/subscription/cron.c extension/subscription/cron_find.c \
	extension/subscription/cron_parse.c \
	extension/party/node_here.c \
	extension/inbox/apply_batch.c extension/inbox/apply_function.c extension/inbox/record_words.c \
	extension/casesync.c

# The parts of the install script, in the order in which they need each other. What holds state is
# made once: upgrades change it by hand-written statements (extension/upgrade). All code is
# CREATE OR REPLACE, or deletes and inserts rows that are ours, and is replayed by each upgrade.
GENERATED_SQL = extension/generated/code_type.sql
SQL_SCHEMA = extension/base/schema.sql $(GENERATED_SQL)
# Code that tables.sql refers to.
SQL_EARLY_CODE = \
	extension/agreement/registry_owner.sql extension/inbox/handler_owner.sql
SQL_TABLES = \
	extension/base/tables.sql \
	extension/code/tables.sql \
	extension/party/tables.sql \
	extension/knowledge/tables.sql \
	extension/outbox/tables.sql \
	extension/quarantine/tables.sql \
	extension/look_again/tables.sql \
	extension/agreement/tables.sql \
	extension/capture/tables.sql \
	extension/registry/tables.sql \
	extension/conflict/tables.sql \
	extension/subscription/tables.sql \
	extension/routing/tables.sql \
	extension/inbox/tables.sql \
	extension/answer/tables.sql \
	extension/delivery/tables.sql \
	extension/intake/tables.sql \
	extension/upkeep/tables.sql \
	extension/review/tables.sql \
	extension/casework/tables.sql \
	extension/rights/tables.sql
SQL_CODE = \
	extension/base/text_format.sql extension/base/owner_query.sql \
	extension/base/known_caller.sql extension/base/audit.sql \
	extension/base/leaf.sql extension/base/page.sql extension/base/person.sql extension/base/limit.sql extension/base/rest.sql \
	extension/base/reason.sql extension/base/doorbell.sql extension/base/gate.sql extension/base/error.sql \
	extension/base/json_value.sql extension/base/nearest_name.sql \
	extension/base/plain_text.sql \
	extension/base/row_expression.sql extension/base/setting.sql \
	extension/base/sharing_lock.sql extension/base/turn_lock.sql \
	extension/base/stopped_bridge.sql extension/base/held_up.sql extension/base/turn.sql \
	extension/base/proven_person.sql \
	extension/rights/second_person.sql extension/rights/access.sql \
	extension/rights/rights_problems.sql \
	extension/code/code_type.sql extension/code/word_list.sql \
	extension/code/crosswalk.sql \
	extension/record/record_check.sql extension/record/record_build.sql extension/record/record_plan.sql \
	extension/record/projection.sql extension/record/record_field.sql \
	extension/filter/filter.sql \
	extension/party/bridge_version.sql extension/party/node.sql extension/party/profile.sql \
	extension/party/partner.sql extension/party/partner_key.sql extension/party/deviation.sql \
	extension/party/client.sql \
	extension/party/client_check.sql extension/party/jwks.sql extension/party/encryption.sql \
	extension/party/trouble.sql extension/party/lane.sql extension/party/lane_drain.sql \
	extension/party/forget.sql extension/party/quota.sql \
	extension/party/retention.sql extension/party/storage.sql \
	extension/knowledge/disclosure.sql extension/knowledge/knowledge.sql \
	extension/knowledge/leaving.sql \
	extension/knowledge/forget.sql \
	extension/outbox/number.sql extension/outbox/append.sql extension/outbox/notification.sql \
	extension/outbox/subject_lock.sql \
	extension/outbox/outgoing.sql extension/outbox/compact.sql \
	extension/outbox/push.sql extension/outbox/forget.sql extension/outbox/prune.sql \
	extension/quarantine/quarantine.sql extension/quarantine/forget.sql \
	extension/look_again/look_again.sql extension/look_again/note.sql extension/look_again/forget.sql \
	extension/agreement/shipped_types.sql extension/agreement/event_type.sql \
	extension/agreement/registry_key.sql \
	extension/agreement/registry.sql extension/agreement/registry_feed.sql \
	extension/agreement/agreement.sql \
	extension/agreement/sharing.sql extension/agreement/forget.sql \
	extension/agreement/lookup.sql extension/agreement/rehearsal.sql \
	extension/agreement/activation.sql \
	extension/capture/change_log.sql extension/capture/tracking.sql \
	extension/capture/table_lock.sql \
	extension/capture/tracking_trigger.sql extension/capture/tracking_store.sql \
	extension/capture/gap.sql \
	extension/capture/tracking_drift.sql extension/capture/member_watch.sql \
	extension/capture/capture_hole.sql extension/capture/untracked.sql \
	extension/capture/capture_ddl.sql extension/capture/forget.sql \
	extension/capture/change_origin.sql \
	extension/registry/render.sql extension/registry/search.sql extension/registry/preview.sql \
	extension/conflict/record_field.sql extension/conflict/field_version.sql \
	extension/conflict/version_seed.sql \
	extension/conflict/authority.sql extension/conflict/conflict.sql \
	extension/conflict/own_subject.sql extension/conflict/merge.sql extension/conflict/forget.sql \
	extension/subscription/cron.sql extension/subscription/subscription.sql \
	extension/subscription/backfill_job.sql extension/subscription/schedule.sql \
	extension/subscription/subscription_lane.sql extension/subscription/subscription_wish.sql \
	extension/subscription/my_subscription.sql extension/subscription/forget.sql \
	extension/subscription/subscription_settled.sql \
	extension/subscription/subscription_answer.sql \
	extension/subscription/subscription_quota.sql \
	extension/subscription/subscription_pause.sql \
	extension/routing/routing_window.sql extension/routing/bulk.sql \
	extension/routing/routing_pace.sql \
	extension/routing/routing_subject.sql extension/routing/expansion.sql \
	extension/routing/routing_again.sql extension/routing/routing_filter.sql \
	extension/routing/crossed.sql extension/routing/push.sql \
	extension/routing/wishes.sql \
	extension/routing/routing_partner.sql \
	extension/routing/backfill_tell.sql extension/routing/backfill.sql \
	extension/routing/scheduled.sql \
	extension/routing/routing_turn.sql extension/routing/routing.sql \
	extension/routing/routing_aside.sql \
	extension/routing/rehearsal.sql extension/routing/resume.sql extension/routing/life.sql \
	extension/inbox/apply_mode.sql extension/inbox/inbox_merge.sql extension/inbox/inbox.sql \
	extension/inbox/inbox_apply.sql \
	extension/inbox/decide_conflict.sql extension/inbox/suggest_apply.sql \
	extension/inbox/message_read.sql extension/inbox/message_in.sql \
	extension/inbox/inbox_gap.sql \
	extension/inbox/receive_subscription.sql extension/inbox/receive_notify.sql \
	extension/inbox/search_shape.sql extension/inbox/search_at.sql extension/inbox/forget.sql extension/inbox/prune.sql \
	extension/answer/request.sql extension/answer/answering.sql \
	extension/answer/search_item.sql extension/answer/search_answer.sql \
	extension/answer/transaction_status.sql \
	extension/answer/enrollment.sql extension/answer/forget.sql \
	extension/answer/answer_sent.sql \
	extension/delivery/door.sql extension/delivery/next.sql extension/delivery/delivery.sql \
	extension/delivery/outcome.sql \
	extension/delivery/dead_letter.sql extension/delivery/forget.sql \
	extension/delivery/notify_shape.sql extension/delivery/take.sql extension/delivery/probe.sql extension/delivery/backlog.sql \
	extension/delivery/stop_sharing.sql \
	extension/delivery/resume_sharing.sql extension/delivery/wake.sql \
	extension/intake/receive.sql extension/intake/message_judge.sql \
	extension/intake/answer_now.sql \
	extension/upkeep/tidy.sql extension/upkeep/size.sql extension/upkeep/leaving.sql \
	extension/upkeep/retention.sql \
	extension/forget/drop_partner.sql extension/forget/erase.sql extension/forget/prune.sql \
	extension/review/review_sample.sql extension/review/bridge_rehearsal.sql \
	extension/review/review_tracking.sql \
	extension/review/review_registry.sql extension/review/review_agreement.sql \
	extension/review/review.sql extension/review/reviewed.sql \
	extension/review/explain.sql \
	extension/casework/staff.sql extension/casework/people.sql extension/casework/plan.sql \
	extension/casework/plan_rule.sql extension/casework/plan_content.sql \
	extension/casework/referral.sql extension/casework/review.sql \
	extension/casework/decide.sql extension/casework/record.sql \
	extension/casework/supervision.sql extension/casework/receive.sql \
	extension/casework/receive_plan.sql extension/casework/portal.sql \
	extension/casework/portal_rights.sql extension/casework/person_token.sql \
	extension/casework/casework.sql \
	extension/health/bridge_problems.sql extension/health/capture_problems.sql \
	extension/health/referral.sql extension/health/size_problems.sql extension/health/subscription_problems.sql \
	extension/health/status_views.sql extension/health/health.sql \
	extension/health/shared_status.sql \
	extension/onboarding/onboarding.sql \
	extension/rights/grants.sql
# What the scripts of upgrades call; they run it first.
SQL_UPGRADE = extension/upgrade/upgrade.sql
# Takes rights from all that was made before.
SQL_LAST = extension/rights/grants_again.sql
SQL_INSTALL_ONLY = extension/rights/default_privileges.sql
SQL_FILES = $(SQL_SCHEMA) $(SQL_EARLY_CODE) $(SQL_TABLES) $(SQL_UPGRADE) $(SQL_CODE) \
	$(SQL_INSTALL_ONLY) $(SQL_LAST)
