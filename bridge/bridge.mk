# bridge.mk: what the bridge is made of. A name without a file is an error.

# Folders from the ground up: nothing below knows what stands above it (test/check_floors holds it).
BRIDGE_FLOORS = base config database message key seal net token http delivery turn api

BRIDGE_SOURCES = \
	bridge/base/backoff.c bridge/base/base64.c bridge/base/buffer.c bridge/base/caller_hash.c \
	bridge/base/event_loop.c bridge/base/failure.c bridge/base/form_text.c \
	bridge/base/iso_time.c bridge/base/log.c bridge/base/log_quota.c \
	bridge/base/process_guard.c bridge/base/rate_limit.c \
	bridge/base/sd_notify.c bridge/base/signals.c bridge/base/secret_file.c bridge/base/uuid.c \
	bridge/base/workers.c \
	bridge/config/config.c bridge/config/config_check.c bridge/config/config_setting.c \
	bridge/config/config_table.c \
	bridge/database/control.c bridge/database/extension_version.c bridge/database/fence.c \
	bridge/database/pg_connect.c bridge/database/pg_hosts.c bridge/database/pg_query.c bridge/database/pg_row.c \
	bridge/database/pg_session.c bridge/database/plan_age.c bridge/database/sql_call.c \
	bridge/database/told_entry.c bridge/database/told_journal.c bridge/database/told_report.c \
	bridge/database/turn_trouble.c \
	bridge/message/ack.c bridge/message/canonical_json.c bridge/message/json_bounds.c \
	bridge/message/json_number.c bridge/message/json_span.c \
	bridge/message/locale_code.c bridge/message/message_check.c bridge/message/message_mend.c \
	bridge/message/message_parse.c bridge/message/message_response.c bridge/message/message_rules.c bridge/message/message_value.c \
	bridge/message/names_mend.c bridge/message/odd_form.c bridge/message/query_mend.c \
	bridge/message/reply.c bridge/message/shortest_digits.c \
	bridge/key/encryption_key.c bridge/key/key_file.c bridge/key/key_jwk.c bridge/key/key_ring.c \
	bridge/key/signing_key.c \
	bridge/seal/envelope.c bridge/seal/jwe_agree.c bridge/seal/jwe_content.c \
	bridge/seal/jwe_decrypt.c bridge/seal/jwe_encrypt.c bridge/seal/jwe_header.c \
	bridge/seal/jwe_wrap.c bridge/seal/jws.c bridge/seal/jws_check.c bridge/seal/jws_make.c \
	bridge/seal/message_decrypt.c bridge/seal/signature.c bridge/seal/signature_text.c \
	bridge/seal/signed_content.c \
	bridge/net/address_guard.c bridge/net/sender.c bridge/net/sender_pool.c \
	bridge/net/sender_transfer.c bridge/net/tls_files.c bridge/net/transfer_reason.c bridge/net/url_guard.c \
	bridge/token/bearer.c bridge/token/callback_address.c bridge/token/jwks_turn.c \
	bridge/token/jwt.c bridge/token/jwt_claims.c bridge/token/jwt_verify.c bridge/token/token_answer.c bridge/token/token_client.c \
	bridge/token/token_issue.c bridge/token/token_request.c \
	bridge/http/http_connection.c bridge/http/http_framing.c bridge/http/http_guarded.c \
	bridge/http/http_listen.c bridge/http/http_request.c bridge/http/http_route.c bridge/http/http_server.c \
	bridge/http/tls_credentials.c bridge/http/tls_server.c \
	bridge/delivery/delivery_policy.c bridge/delivery/delivery_queue.c \
	bridge/delivery/dispatcher.c bridge/delivery/lane.c bridge/delivery/prober.c \
	bridge/delivery/lane_lock.c bridge/delivery/lane_message.c bridge/delivery/lane_state.c \
	bridge/turn/gate.c bridge/turn/linger.c bridge/turn/request_turn.c bridge/turn/router_turn.c bridge/turn/upkeep.c \
	bridge/api/api.c bridge/api/api_admit.c bridge/api/api_answer.c bridge/api/api_check.c \
	bridge/api/api_exchange.c bridge/api/api_fenced.c \
	bridge/api/api_health.c bridge/api/api_keys.c bridge/api/api_receive.c bridge/api/api_response.c \
	bridge/api/api_routes.c bridge/api/api_token.c bridge/api/partner_budget.c \
	bridge/bridge.c bridge/journal.c bridge/listeners.c bridge/main.c bridge/setup_check.c bridge/trust.c
