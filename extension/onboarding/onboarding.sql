/* The sheet for a partner: how to reach us and what is agreed. Reads nothing that is secret. */

/*
 * In the words of the partner's developer, who has never heard of this extension; the order is that
 * in which he needs them.
 */
CREATE OR REPLACE FUNCTION casesync_internal.onboarding_addresses(n casesync_internal.node)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN concat_ws(E'\n',
		'Who we are',
		'  sender_id          ' || n.sender_id,
		'  base address       ' || n.base_url,
		'  token endpoint     ' || n.base_url || '/oauth2/client/token',
		'  public keys        ' || n.base_url || '/.well-known/jwks.json',
		'  key ids            ' || array_to_string(n.key_ids, ', '),
		'',
		'Paths, all POST with Content-Type: application/json and Authorization: Bearer TOKEN',
		'  /registry/subscribe, /registry/unsubscribe      answered to your sender_uri',
		'  /registry/search, /registry/txn/status          answered to your sender_uri',
		'  /registry/sync/search, /registry/sync/txn/status, /registry/sync/check-enrollment',
		'                                                  answered at once',
		'  /registry/notify                                where you may tell us of events');
END
$$;
COMMENT ON FUNCTION casesync_internal.onboarding_addresses(casesync_internal.node) IS
	'part of onboarding(): where we are';

/* Also keys that begin to count later: the partner wants to see that they have come. */
CREATE OR REPLACE FUNCTION casesync_internal.onboarding_keys(p casesync_internal.partner, use text)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT string_agg(k.kid, ', ' ORDER BY k.kid) FROM casesync_internal.partner_key k
	 WHERE k.partner = p.partner AND k.use = onboarding_keys.use AND now() < k.valid_to
$$;
COMMENT ON FUNCTION casesync_internal.onboarding_keys(casesync_internal.partner, text) IS
	'part of onboarding(): a partner''s keys for this use; NULL when there is none';

CREATE OR REPLACE FUNCTION casesync_internal.onboarding_clients(p casesync_internal.partner)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT string_agg(c.client_id, ', ' ORDER BY c.client_id) FROM casesync_internal.client c
	 WHERE c.partner = p.partner AND c.issuer = '' AND now() < c.expires
$$;
COMMENT ON FUNCTION casesync_internal.onboarding_clients(casesync_internal.partner) IS
	'part of onboarding(): a partner''s clients of our token endpoint; NULL when there is none';

/* What may come encrypted is said as well: partners need our key for it, not we theirs. */
CREATE OR REPLACE FUNCTION casesync_internal.onboarding_encryption(p casesync_internal.partner)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	rule constant text := casesync_internal.encryption_rule(p.partner);
BEGIN
	RETURN concat_ws(E'\n',
		'  encryption         ' || CASE rule
			WHEN 'off' THEN 'none: messages are sent as they are'
			WHEN 'accepted'
				THEN 'we take messages encrypted for the "enc" keys among our public keys'
			ELSE 'required both ways, by ECDH-ES or RSA-OAEP-256 with A256GCM; yours to us for an '
				'"enc" key among our public keys' END,
		CASE rule WHEN 'required' THEN '  to encrypt for you ' || coalesce(
			casesync_internal.onboarding_keys(p, 'enc'),
			'none yet: send us a public key as a JWK ("use": "enc", EC or RSA)') END);
END
$$;
COMMENT ON FUNCTION casesync_internal.onboarding_encryption(casesync_internal.partner) IS
	'part of onboarding(): whether messages are encrypted, and for which keys';

CREATE OR REPLACE FUNCTION casesync_internal.onboarding_partner(p casesync_internal.partner)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN concat_ws(E'\n',
		'How we know you',
		'  sender_id          ' || p.partner,
		'  client ids         ' || coalesce(casesync_internal.onboarding_clients(p),
			'none yet; the secret comes by another way, once'),
		'  your address       ' || coalesce(p.base_url, 'none yet: tell us'),
		'  notifications to   ' || coalesce(p.notify_url, p.base_url || '/registry/notify',
			'your sender_uri with /on-subscribe replaced by /notify'),
		'  sender_uri within  ' || coalesce(array_to_string(p.callback_prefixes, ', '),
			p.base_url, 'nothing yet'),
		'  your keys          ' || coalesce(casesync_internal.onboarding_keys(p, 'sig'),
			'none yet: send us your public key as a JWK (Ed25519)'),
		casesync_internal.onboarding_encryption(p),
		'',
		'Signature (RFC 8032 Ed25519, over SHA-256 of the RFC 8785 form of '
		'{"header":…,"message":…})',
		'  Signature: namespace="spdci", kidId="' || p.partner
		|| '|KID|ed25519", algorithm="ed25519", created="…",',
		'    expires="…", headers="(created) (expires) digest", signature="…"',
		'  created at most 60 s ahead, expires at most 600 s after created; a message_id is used '
		'once',
		CASE p.signature WHEN 'unsigned_accepted'
			THEN '  for the time being we accept messages of yours without a signature'
			ELSE '  we refuse messages of yours without a signature' END);
END
$$;
COMMENT ON FUNCTION casesync_internal.onboarding_partner(casesync_internal.partner) IS
	'part of onboarding(): what we know of the partner';

CREATE OR REPLACE FUNCTION casesync_internal.onboarding_list(words text[])
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce(nullif(array_to_string(words, ', '), ''), 'none')
$$;
COMMENT ON FUNCTION casesync_internal.onboarding_list(text[]) IS 'words with commas, or "none"';

/* The condition that chooses subjects is ours: it may tell more than is shared. */
CREATE OR REPLACE FUNCTION casesync_internal.onboarding_agreement(a casesync_internal.agreement)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN concat_ws(E'\n',
		format('Agreement %s, version %s (%s), %s', a.agreement, a.version, a.state,
			CASE a.direction WHEN 'out' THEN 'what you may get from us'
				ELSE 'what you may tell us' END),
		'  valid              '
		|| concat('from ', coalesce(to_char(a.valid_from, 'YYYY-MM-DD HH24:MI TZH:TZM'),
		'(not said yet)'),
			CASE WHEN a.valid_to < 'infinity'
				THEN to_char(a.valid_to, '" to "YYYY-MM-DD HH24:MI TZH:TZM') END),
		'  purpose            ' || a.purpose,
		'  legal basis        ' || a.legal_basis,
		'  document           ' || a.document_uri,
		'  registries         '
		|| (SELECT string_agg(
		format('%s of %s', r.record_type, casesync_internal.reg_type_wire(r.reg_type)), ', '
			ORDER BY r.reg_type, r.record_type) FROM casesync_internal.registry r
				WHERE a.direction = 'out' AND r.registry = ANY (a.registries)),
		'  event types        ' || casesync_internal.onboarding_list(a.event_types),
		'  fields             ' || casesync_internal.onboarding_list(a.fields),
		'  identifier types   ' || casesync_internal.onboarding_list(a.identifier_types),
		CASE a.direction WHEN 'out' THEN '  filter and sort by '
			|| casesync_internal.onboarding_list(a.filter_fields
			|| ARRAY(SELECT f FROM unnest(a.fields) WITH ORDINALITY x(f, nr)
				WHERE f <> ALL (a.filter_fields) ORDER BY nr)) END,
		CASE a.direction WHEN 'out' THEN '  services           '
			|| casesync_internal.onboarding_list(a.services) END,
		CASE WHEN a.direction = 'out' AND a.services && '{search,check_enrollment}'
			THEN format('  lookups            %s people a day', a.lookups_per_day) END,
		CASE a.direction WHEN 'out' THEN '  subscriptions      ' || CASE a.subscribing
			WHEN 'auto' THEN 'count at once'
			ELSE 'are approved by a person here; on-subscribe says pdng until then' END END,
		CASE WHEN a.must_encrypt THEN '  encryption         required in both directions' END);
END
$$;
COMMENT ON FUNCTION casesync_internal.onboarding_agreement(casesync_internal.agreement) IS
	'part of onboarding(): one agreement, without its condition';

CREATE OR REPLACE FUNCTION casesync_internal.onboarding_example(n casesync_internal.node,
	p casesync_internal.partner, a casesync_internal.agreement, r casesync_internal.registry)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT jsonb_build_object('signature', 'Signature: …',
		'header', jsonb_build_object('version', '1.0.0', 'message_id', 'a new UUID',
			'message_ts', '2026-01-31T12:00:00Z', 'action', 'subscribe', 'sender_id', p.partner,
			'receiver_id', n.sender_id, 'total_count', 1, 'is_msg_encrypted', false,
			'sender_uri', coalesce(p.base_url, 'https://…') || '/registry/on-subscribe'),
		'message', jsonb_build_object('transaction_id', 'a new UUID',
			'subscribe_request', jsonb_build_array(jsonb_build_object(
				'reference_id', 'a new UUID', 'timestamp', '2026-01-31T12:00:00Z', 'locale', 'eng',
				'subscribe_criteria', jsonb_build_object('version', '1.0.0',
					'reg_type', casesync_internal.reg_type_wire(r.reg_type),
					'reg_event_type', casesync_internal.event_wire(r.reg_type, a.event_types[1]),
					'notify_record_type', r.record_type, 'filter_type', 'idtype-value',
					'filter', jsonb_build_object('type', a.identifier_types[1],
						'value', '12345'))))))
$$;
COMMENT ON FUNCTION casesync_internal.onboarding_example(casesync_internal.node,
	casesync_internal.partner, casesync_internal.agreement, casesync_internal.registry) IS
	'part of onboarding(): a first subscribe message';

/* An agreement that is still a draft will do: the sheet is sent so that the partner can begin. */
CREATE OR REPLACE FUNCTION casesync_internal.onboarding_subscribe(n casesync_internal.node,
	p casesync_internal.partner)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	a casesync_internal.agreement;
	r casesync_internal.registry;
BEGIN
	SELECT t.* INTO a FROM casesync_internal.agreement t
	 WHERE t.partner = p.partner AND t.direction = 'out'
		AND t.state IN ('active', 'draft', 'rehearsed') AND t.event_types <> '{}'
		AND 'notify' = ANY (t.services)
	 ORDER BY t.state, t.agreement, t.version DESC LIMIT 1;
	SELECT t.* INTO r FROM casesync_internal.registry t WHERE t.registry = ANY (a.registries)
		ORDER BY t.registry LIMIT 1;
	IF r.registry IS NULL THEN
		RETURN NULL;
	END IF;
	RETURN concat_ws(E'\n',
		'To get a token (its answer has access_token and expires_in):',
		format(E'  curl -s %s/oauth2/client/token -d grant_type=client_credentials \\', n.base_url),
		'    -d client_id=YOUR_CLIENT_ID -d client_secret=YOUR_SECRET',
		'',
		'To subscribe to one person; "filter": {} asks for all that is agreed. Put this into '
		'subscribe.json',
		'with your own ids, times and signature:',
		jsonb_pretty(casesync_internal.onboarding_example(n, p, a, r)),
		format(E'  curl -s %s/registry/subscribe -H "Authorization: Bearer TOKEN" \\', n.base_url),
		'    -H "Content-Type: application/json" --data @subscribe.json',
		'',
		'You get {"message":{"ack_status":"ACK",…}} at once, then on-subscribe at your '
		'sender_uri with the',
		'code of the subscription, then notify messages: acknowledge each with ack_status ACK.');
END
$$;
COMMENT ON FUNCTION casesync_internal.onboarding_subscribe(casesync_internal.node,
	casesync_internal.partner) IS
	'part of onboarding(): the first conversation, ready to be tried';

/*
 * With the extension's rights, on record, and without anything secret: it is sent by e-mail. A
 * partner's draft is shown too, since it is talked about before it counts.
 */
CREATE OR REPLACE FUNCTION casesync.onboarding(partner text)
RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	n casesync_internal.node := casesync_internal.this_node();
	p casesync_internal.partner := casesync_internal.require_partner(partner);
	agreements text;
BEGIN
	IF n.base_url IS NULL THEN
		PERFORM casesync_internal.raise_error(errcode => 'object_not_in_prerequisite_state',
			message => 'this node has no base_url yet',
			detail => 'A partner must know where to send its messages.',
			hint => format('SELECT casesync.set_node(%L, ''https://…'');', n.sender_id));
	END IF;
	SELECT string_agg(casesync_internal.onboarding_agreement(x), E'\n\n' ORDER BY x.direction DESC,
		x.agreement) INTO agreements
	  FROM (SELECT DISTINCT ON (a.agreement) a.* FROM casesync_internal.agreement a
			 WHERE a.partner = onboarding.partner AND a.state <> 'ended'
			 ORDER BY a.agreement, a.state <> 'active', a.version DESC) x;
	PERFORM casesync_internal.audit_note('onboarding', partner);
	RETURN concat_ws(E'\n\n',
		format('%s: how %s takes part (DCI event API, spdci.org)', n.sender_id, partner),
		casesync_internal.onboarding_addresses(n), casesync_internal.onboarding_partner(p),
		coalesce(agreements, 'Nothing is agreed yet.'),
		concat_ws(E'\n', 'Limits',
			'  a message has at most 1 MiB (notify 10 MiB), 1000 items, 32 levels of JSON, 64 KiB '
			'in one text, and only numbers that a double holds',
			format('  %s subscriptions, %s of them not to one identifier; their filters may have '
				'%s conditions and values together', p.max_subscriptions, p.max_filters,
				casesync_internal.message_limit('filter weight')),
			format('  of what you send we keep %s on one day and %s in all, then it is refused '
				'(err.request.too_many_requests)', pg_size_pretty(p.max_bytes_per_day),
				pg_size_pretty(p.max_bytes)),
			'  everything is bound to you: token, signature and header.sender_id must name '
			|| partner),
		casesync_internal.onboarding_subscribe(n, p)) || E'\n';
END
$$;
COMMENT ON FUNCTION casesync.onboarding(text) IS
	'the sheet to send a partner: addresses, signature, what is agreed, limits, a first request; '
	'nothing in it is secret';
