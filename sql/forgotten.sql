-- After erase() nothing of a person is left in any table or column, whatever partners called things; but for what the papers say stays.
CREATE EXTENSION casesync;
\i test/scene/try.sql
\i test/scene/message.sql
\i test/scene/request.sql
\i test/scene/delivery.sql
-- where a word stands: every column of every table that there is, as text, as bytes, as hex and base64 (in its three ways), in a URL
CREATE FUNCTION app.spellings(word text) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT lower(word) UNION SELECT encode(convert_to(word, 'UTF8'), 'hex') UNION SELECT encode(convert_to(lower(word), 'UTF8'), 'hex')
	UNION SELECT replace(lower(word), ' ', '%20') UNION SELECT replace(lower(word), ' ', '+')
	-- of what base64 makes of it, the part that does not depend on what stands around it
	UNION SELECT lower(encode(substr(b.bytes, 1 + k, (octet_length(b.bytes) - k) / 3 * 3), 'base64'))
		FROM (SELECT convert_to(word, 'UTF8') AS bytes) b CROSS JOIN generate_series(0, 2) k WHERE length(word) >= 9
$$;
CREATE FUNCTION app.left_of(words text[]) RETURNS TABLE (place text, rows bigint) LANGUAGE plpgsql AS $$
DECLARE
	c record; spelled text[] := ARRAY(SELECT DISTINCT s FROM unnest(words) w CROSS JOIN app.spellings(w) s);
BEGIN
	FOR c IN SELECT t.oid::regclass AS tab, regexp_replace(t.relname, '_\d+$', '') AS name, a.attname, a.atttypid = 'bytea'::regtype AS is_bytes FROM pg_class t
		  JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
		 WHERE t.relkind = 'r' AND t.relnamespace IN (SELECT n.oid FROM pg_namespace n WHERE n.nspname ~ '^casesync') ORDER BY 2, a.attnum LOOP
		EXECUTE format('SELECT count(*) FROM ONLY %s t WHERE EXISTS (SELECT FROM unnest($1) s WHERE strpos(lower(%s), s) > 0)', c.tab,
			CASE WHEN c.is_bytes THEN format('concat(%1$I::text, encode(%1$I, ''escape''))', c.attname) ELSE format('%I::text', c.attname) END)
		   INTO rows USING spelled;
		place := c.name || '.' || c.attname;
		IF rows > 0 THEN
			RETURN NEXT;
		END IF;
	END LOOP;
END
$$;
CREATE TABLE app.person (id text PRIMARY KEY, nid text, given text, family text, born text, status text);
CREATE VIEW app.people AS
	SELECT p.id AS subject_key, p.nid, jsonb_build_object(
		'member_identifier', jsonb_build_array(jsonb_build_object('identifier_type', 'NID', 'identifier_value', p.nid)),
		'demographic_info', jsonb_build_object('name', jsonb_build_object('given_name', CASE p.status WHEN 'bad' THEN (p.given::integer)::text ELSE p.given END, 'surname', p.family),
			'birth_date', p.born),
		'employment_status', p.status) AS record
	  FROM app.person p;
SELECT casesync.set_node('sp.test', 'https://dci.sp.test', four_eyes => false) <> '' AS ok;
SELECT count(*) FROM casesync.publish('people', 'app.people', 'Member');
SELECT count(*) FROM (SELECT casesync.track('app.person', '{people}', 'id', on_insert => 'enrolment', on_update => 'enrolment', on_delete => 'enrolment')) x;
SELECT casesync.set_partner('ess.test', 'https://dci.ess.test') <> '' AND casesync.set_partner('tax.test', 'https://dci.tax.test') <> '' AS ok;
SELECT count(*) FROM (SELECT casesync.set_agreement(a, p, registries => '{people}', event_types => '{enrolment}', fields => '{demographic_info,employment_status}',
	identifier_types => '{NID}', filter_fields => '{nid}', subjects => 'true', on_leave => 'identifier_only', services => '{notify,search,check_enrollment}',
	valid_from => since, legal_basis => 'law', subscribing => s) FROM (VALUES ('OUT', 'ess.test', '2020-01-01'::timestamptz, 'auto'), ('TAX', 'tax.test', '2020-01-01', 'approve'),
		('NEXT', 'tax.test', '2099-01-01', 'auto')) v(a, p, since, s)) x;
SELECT count(*) FROM (SELECT casesync.set_agreement(a, p, direction => 'in', event_types => '{enrolment,search}', fields => '{demographic_info,employment_status}',
	identifier_types => '{NID}', apply_mode => 'auto', valid_from => '2020-01-01', legal_basis => 'law') FROM (VALUES ('IN', 'ess.test'), ('TAXIN', 'tax.test')) v(a, p)) x;
SELECT count(*) FROM (SELECT casesync.activate(a) FROM unnest('{OUT,TAX,IN,TAXIN}'::text[]) a) x;
SELECT casesync.rehearse('NEXT', now() + interval '1 day') <> '' AS ok;
SELECT casesync.subscribe(p, 'enrolment', 'Member') <> '' AS ok FROM unnest('{ess.test,tax.test}'::text[]) p;

CREATE FUNCTION app.apply(event casesync.inbound) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN CASE event.partner WHEN 'tax.test' THEN 'review: is this Zoe Quillfeather?' ELSE 'applied' END;
END
$$;
SELECT casesync.on_notify('Member', 'enrolment', 'app.apply(casesync.inbound)') <> '' AS ok;
SELECT count(*) FROM (SELECT casesync.subscribe_to(p, 'enrolment', 'Member') FROM unnest('{ess.test,tax.test}'::text[]) p) x;

-- Zoe's life with us; Yan is somebody else, and so is Zoe's sister
INSERT INTO app.person VALUES ('Z/1', 'NID-ZQ-471108', 'Zoe', 'Quillfeather', '1977-03-19', 'Active'), ('Y/1', 'NID-YV-815815', 'Yan', 'Vale', '1980-01-01', 'Active'),
	('Z/2', 'NID-ZQ-333333', 'Ada', 'Quillfeather', '1978-04-20', 'Active');
SELECT more FROM casesync_internal.route();
SELECT count(*) > 0 AS sent FROM app.send('ess.test');
UPDATE app.person SET status = 'Suspended';
SELECT more FROM casesync_internal.route();
SELECT count(*) > 0 AS sent FROM app.send('tax.test', 'refused');
UPDATE app.person SET status = 'bad' WHERE given = 'Zoe';
SELECT more FROM casesync_internal.route();
SELECT count(*) FROM casesync.quarantine WHERE reason ~ 'Zoe';
UPDATE app.person SET status = 'Active' WHERE given = 'Zoe';
SELECT more FROM casesync_internal.route();

-- what partners call things: her number in each of the ways that one may write it in an id, an address, a claim
CREATE FUNCTION app.id(what text, way integer, who text DEFAULT 'NID-ZQ-471108') RETURNS text LANGUAGE sql AS $$
	SELECT what || '-' || CASE way % 5 WHEN 0 THEN who WHEN 1 THEN lower(who) WHEN 2 THEN encode(convert_to(who, 'UTF8'), 'hex')
		WHEN 3 THEN rtrim(encode(convert_to('x' || who, 'UTF8'), 'base64'), '=') ELSE encode(convert_to('id ' || who || ' id', 'UTF8'), 'base64') END
$$;
CREATE FUNCTION app.hear(way integer, who text, given text, family text, born text) RETURNS text LANGUAGE sql AS $$
	SELECT ack FROM app.say('notify', jsonb_build_object('transaction_id', app.id('t', way, who), 'notify_event', jsonb_build_array(jsonb_build_object('reference_id', app.id('n', way, who),
		'timestamp', '2026-01-01T00:00:00Z', 'data', jsonb_build_object('reg_type', 'ns:org:RegistryType:ESS', 'reg_event_type', 'enrolment', 'reg_record_type', 'Member',
		'reg_records', jsonb_build_object('member_identifier', jsonb_build_array(jsonb_build_object('identifier_type', 'NID', 'identifier_value', 'NID-YV-815815')),
			'demographic_info', jsonb_build_object('name', jsonb_build_object('given_name', 'Yan', 'surname', 'Vale'))))))), app.id('m', way, who),
		jsonb_build_object('meta', jsonb_build_object('stream', app.id('s', way, who), 'items', jsonb_build_array(jsonb_build_object('seq', 1, 'hops', jsonb_build_array(app.id('h', way, who), given || ' ' || family)))))) s
$$;
SELECT w, app.hear(w, 'NID-ZQ-471108', 'Zoe', 'Quillfeather', '1977-03-19') FROM generate_series(0, 4) w;
SELECT app.hear(0, 'NID-YV-815815', 'Yan', 'Vale', '1980-01-01');
-- about herself, once applied and once in review, and with other words for the same by another partner
SELECT ack FROM unnest('{ess.test,tax.test}'::text[]) p CROSS JOIN LATERAL app.say('notify', jsonb_build_object('transaction_id', 'tz', 'notify_event', jsonb_build_array(jsonb_build_object('reference_id', 'nz',
	'timestamp', '2026-01-01T00:00:00Z', 'data', jsonb_build_object('reg_type', 'ns:org:RegistryType:ESS', 'reg_event_type', 'enrolment', 'reg_record_type', 'Member',
	'reg_records', jsonb_build_object('member_identifier', jsonb_build_array(jsonb_build_object('identifier_type', 'NID', 'identifier_value', 'NID-ZQ-471108')),
		'demographic_info', jsonb_build_object('birth_date', '1977-03-19', 'name', jsonb_build_object('given_name', 'Zoe', 'surname', 'Quillfeather'))))))), 'mz', partner => p) s;
SELECT count(*) FROM (SELECT casesync_internal.apply_inbox() FROM generate_series(1, 9)) x;
SELECT partner, state, count(*) FROM casesync.inbox GROUP BY 1, 2 ORDER BY 1, 2;
-- questions, at once and later; of every kind that is stored
CREATE FUNCTION app.claim(way integer) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('authorize', jsonb_build_object('purpose', jsonb_build_object('text', app.id('case', way))), 'consent', jsonb_build_object('note', 'Zoe Quillfeather has agreed, ' || way))
$$;
SELECT w, (app.answer('search', jsonb_build_object('transaction_id', app.id('t', w), 'search_request', jsonb_build_array(app.item('{"type": "NID", "value": "NID-ZQ-471108"}', app.id('r', w), app.claim(w)))))).message IS NOT NULL AS asked
  FROM generate_series(0, 4) w;
SELECT w, ack FROM generate_series(0, 4) w CROSS JOIN LATERAL app.say('search', jsonb_build_object('transaction_id', app.id('l', w), 'search_request',
	jsonb_build_array(app.item('{"type": "NID", "value": "NID-ZQ-471108"}', app.id('lr', w), app.claim(w)))), app.id('lm', w), jsonb_build_object('sender_uri', 'https://dci.ess.test/on-search/' || app.id('u', w) || '?who=' || app.id('q', w))) s;
SELECT app.work();
SELECT ack FROM app.say('search', jsonb_build_object('transaction_id', 'by name', 'search_request', jsonb_build_array(app.item(
	'{"$and": [{"demographic_info.name.given_name": {"$eq": "Zoe"}}, {"demographic_info.birth_date": {"$eq": "1977-03-19"}}]}'))), 'by name', '{"sender_uri": "https://dci.ess.test/on-search/new"}');
SELECT ack FROM app.say('txn-status', jsonb_build_object('transaction_id', app.id('x', 0), 'txnstatus_request', jsonb_build_object('reference_id', app.id('xr', 0), 'txn_type', 'search',
	'attribute_type', 'reference_id_list', 'attribute_value', jsonb_build_array(app.id('r', 0)))), app.id('xm', 0));
SELECT ack FROM app.say('unsubscribe', jsonb_build_object('transaction_id', app.id('e', 0), 'timestamp', '2026-01-01T08:00:00Z', 'subscription_codes', jsonb_build_array(app.id('c', 0))), app.id('em', 0));
-- wishes: of her, of a filter with her in it, of hers waiting for a decision, with claims and addresses; and refused ones
SELECT w, p, ack FROM generate_series(0, 4) w CROSS JOIN unnest('{ess.test,tax.test}'::text[]) p CROSS JOIN LATERAL app.say('subscribe', jsonb_build_object('transaction_id', app.id('w', w), 'subscribe_request', jsonb_build_array(
	app.wish(app.id('wr', w), jsonb_build_object('reg_event_type', 'enrolment', 'filter_type', 'idtype-value', 'filter', '{"type": "NID", "value": "NID-ZQ-471108"}'::jsonb, 'frequency', jsonb_build_object('end_time', (2100 + w) || '-01-01T00:00:00Z')) || app.claim(w)),
	app.wish(app.id('wf', w), jsonb_build_object('reg_event_type', 'enrolment', 'filter_type', 'expression', 'filter', jsonb_build_object('$or', jsonb_build_array(
		'{"NID": {"$in": ["NID-ZQ-471108", "NID-1"]}}'::jsonb, jsonb_build_object('nid', jsonb_build_object('$eq', 'X ' || lower('NID-ZQ-471108') || ' ' || w))))) || app.claim(w)),
	app.wish(app.id('wx', w), jsonb_build_object('reg_event_type', 'NID-ZQ-471108')), app.wish(app.id('wy', w), jsonb_build_object('reg_type', 'NID-ZQ-471108')))),
	app.id('wm', w), jsonb_build_object('sender_uri', 'https://dci.' || p || '/on-subscribe?who=' || app.id('u', w)), p) s;
SELECT ack FROM app.say('subscribe', jsonb_build_object('transaction_id', 'names', 'subscribe_request', jsonb_build_array(app.wish('names', jsonb_build_object('reg_event_type', 'enrolment', 'filter_type', 'expression',
	'filter', '{"demographic_info.name.surname": {"$eq": "Quillfeather"}}'::jsonb)))));
-- of somebody whose number begins alike: a wish, and a question that waits
SELECT ack FROM app.say('subscribe', jsonb_build_object('transaction_id', 'alike', 'subscribe_request', jsonb_build_array(app.wish('alike', jsonb_build_object('reg_event_type', 'enrolment', 'filter_type', 'expression',
	'filter', '{"NID": {"$in": ["NID-ZQ-4711081", "xNID-ZQ-471108"]}}'::jsonb)))));
SELECT ack FROM app.say('search', jsonb_build_object('transaction_id', 'alike', 'search_request', jsonb_build_array(app.item('{"type": "NID", "value": "NID-ZQ-4711081"}'))), 'alike', '{"sender_uri": "https://dci.ess.test/on-search/alike"}');
-- what they answer to ours
SELECT count(*) FROM (SELECT casesync.subscribe_to('ess.test', 'enrolment', 'Member', '{"type": "NID", "value": "NID-ZQ-471108"}', 'idtype-value')) x;
SELECT ack FROM (SELECT * FROM casesync_internal.my_subscription WHERE filter IS NOT NULL) m CROSS JOIN LATERAL app.say('on-subscribe', jsonb_build_object('transaction_id', m.transaction_id, 'correlation_id', 'c', 'subscribe_response',
	jsonb_build_array(jsonb_build_object('reference_id', m.reference_id, 'timestamp', '2026-01-01T08:00:00Z', 'status', 'rjct', 'status_reason_code', 'rjct.NID-ZQ-471108',
		'status_reason_message', 'nobody here is called Zoe Quillfeather', 'subscriptions', jsonb_build_array(jsonb_build_object('code', app.id('k', 0))))))) s;
SELECT casesync.search_at('ess.test', 'Member', '{"type": "NID", "value": "NID-ZQ-471108"}') IS NOT NULL AS asked;
SELECT ack FROM casesync_internal.my_request m CROSS JOIN LATERAL app.say('on-search', jsonb_build_object('transaction_id', m.transaction_id, 'correlation_id', app.id('c', 0), 'search_response',
	jsonb_build_array(jsonb_build_object('reference_id', m.reference_id, 'timestamp', '2026-01-01T08:00:00Z', 'status', 'rjct', 'status_reason_code', 'rjct.' || app.id('z', 1),
		'status_reason_message', 'Zoe Quillfeather is not here')))) s;

-- the ground is prepared: she is all over the place
CREATE TABLE app.sought AS SELECT '{NID-ZQ-471108,"Zoe Quillfeather",1977-03-19}'::text[] AS words;
SELECT l.* FROM app.sought, app.left_of(words) l ORDER BY 1;
CREATE TABLE app.others AS SELECT * FROM app.left_of('{NID-YV-815815,NID-ZQ-333333}');

-- and erased
DELETE FROM app.person WHERE id = 'Z/1';
SELECT more FROM casesync_internal.route();
SELECT what FROM casesync.erase('people', 'Z/1', 'asked for it') ORDER BY 1;
-- nothing is left, of identifier, name and date, and of her key; a filter that goes by a name is of all who have it
SELECT l.* FROM (SELECT) x, app.left_of('{"Zoe Quillfeather",1977-03-19}') l ORDER BY 1;
SELECT l.* FROM app.left_of('{NID-ZQ-471108}') l ORDER BY 1;
SELECT l.* FROM app.left_of('{Z/1,Quillfeather}') l ORDER BY 1;
SELECT filter, state FROM casesync_internal.subscription WHERE reference_id = 'alike';
SELECT state, message #> '{search_request,0,search_criteria,query}' AS query FROM casesync_internal.request_in WHERE transaction_id = 'alike' AND action = 'search';
-- others are where they were, but for bytes of messages, and questions and answers, that named her too
SELECT o.place FROM app.others o LEFT JOIN app.left_of('{NID-YV-815815,NID-ZQ-333333}') l ON l.place = o.place WHERE l.rows IS DISTINCT FROM o.rows ORDER BY 1;
-- a repetition is still known, under whatever name; with another content it is refused as before; a wish is answered as it stands
SELECT w, app.hear(w, 'NID-ZQ-471108', 'Zoe', 'Quillfeather', '1977-03-19') FROM generate_series(0, 4) w;
SELECT ack, error_code, error_message FROM app.say('notify', '{"transaction_id": "t", "notify_event": []}', app.id('m', 0));
SELECT count(*) FROM casesync.inbox;
SELECT reference ~ '^wf' AS wish, status FROM app.subscribe(app.wish(app.id('wf', 0), jsonb_build_object('reg_event_type', 'enrolment', 'filter_type', 'expression', 'filter', '{"NID": {"$in": ["NID-1"]}}'::jsonb)));
SELECT l.place FROM app.sought, app.left_of(words) l WHERE place !~ '^(outgoing|message_in|request_in)[.]' ORDER BY 1;

SELECT bool_and(content_hash <> sha256(convert_to('notify' || (convert_from(raw, 'UTF8')::jsonb->'message')::text, 'UTF8'))) AS keyed FROM casesync_internal.message_in WHERE raw <> '';
-- a message that came to 0.2.0, as its upgrade leaves it: known again in any order of its members, and another one is another
CREATE FUNCTION app.old(message text) RETURNS text LANGUAGE sql AS $$
	SELECT concat(ack_status, error_code) FROM casesync_internal.receive('ess.test', 'old', convert_to('{"signature": "", "header": {"action": "notify", "message_id": "old"}, "message": ' || $1 || '}', 'UTF8'), NULL, NULL)
$$;
CREATE FUNCTION app.event(given text, more text DEFAULT '1') RETURNS text LANGUAGE sql AS $$
	SELECT format('{"transaction_id": "old", "notify_event": [{"reference_id": "old", "timestamp": "2026-01-01T00:00:00Z", "data": {"reg_event_type": "enrolment", "reg_record_type": "Member", '
		'"reg_records": {"employment_status": %s, "member_identifier": [{"identifier_type": "NID", "identifier_value": "NID-5"}], "demographic_info": {"name": {"given_name": "%s"}}}}}]}', more, given)
$$;
SELECT app.old(app.event('Ede'));
UPDATE casesync_internal.message_in m SET content_hash = casesync_internal.keyed_hash(n.hash_key, to_jsonb(encode(sha256(convert_to('notify' || (convert_from(raw, 'UTF8')::jsonb->'message')::text, 'UTF8')), 'hex')))
  FROM casesync_internal.node_secret n WHERE message_id = 'old';
UPDATE casesync_internal.inbox_item i SET content_hash = casesync_internal.node_hash(record) WHERE message_id = 'old';
SELECT app.old(app.event('Ede')), app.old(app.event('Edo'));
SELECT app.old(regexp_replace(app.event('Ede'), '"transaction_id": "old", (.*)}$', '\1,  "transaction_id":"old"}'));
-- the same record under another message_id is no news, nor is one whose number has three hundred digits when it comes again
SELECT count(*) FROM casesync.inbox WHERE reference_id = 'old';
SELECT ack FROM app.say('notify', app.event('Ede')::jsonb, 'new') UNION ALL SELECT ack FROM app.say('notify', app.event('Ede', '1e-300')::jsonb, 'tiny') UNION ALL SELECT ack FROM app.say('notify', app.event('Ede', '1e-300')::jsonb, 'tiny');
SELECT count(*), count(DISTINCT content_hash), max(length(content_hash)) FROM casesync_internal.inbox_item WHERE reference_id = 'old';
-- what was settled long ago is known by hashes alone
SELECT count(*) FROM (SELECT casesync.prune('0')) x;
SELECT bool_and(message_id ~ '^hash:') AS messages, (SELECT bool_and(message_id ~ '^hash:' AND coalesce(reference_id ~ '^hash:', true) AND coalesce(transaction_id ~ '^hash:', true) AND coalesce(stream ~ '^hash:', true))
	FROM casesync_internal.inbox_item WHERE pruned_at IS NOT NULL AND NOT EXISTS (SELECT FROM casesync_internal.message_in m WHERE m.raw <> '' AND m.message_id = inbox_item.message_id)) AS items
  FROM casesync_internal.message_in WHERE raw = '';
SELECT app.hear(0, 'NID-YV-815815', 'Yan', 'Vale', '1980-01-01'), (SELECT count(*) FROM casesync.inbox) AS items;
SELECT ack, error_code FROM app.say('notify', '{"transaction_id": "t", "notify_event": []}', app.id('m', 0, 'NID-YV-815815'));
DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
