-- A person is forgotten: everywhere, and of nobody else anything; who was told of it stays known.
CREATE EXTENSION casesync;
\i test/scene/try.sql
\i test/scene/message.sql
\i test/scene/request.sql
\i test/scene/delivery.sql
/* Where in the schema a text stands, in whatever column, also as bytes; with how many rows. */
CREATE FUNCTION app.found(word text) RETURNS TABLE (place regclass, rows bigint) LANGUAGE plpgsql AS $$
BEGIN
	FOR place IN SELECT c.oid FROM pg_class c WHERE c.relnamespace IN ('casesync'::regnamespace, 'casesync_internal'::regnamespace) AND c.relkind = 'r' AND c.relname <> 'notification'
		ORDER BY c.relname COLLATE "C" LOOP
		EXECUTE format('SELECT count(*) FROM %s t WHERE strpos(t::text, $1) > 0 OR strpos(t::text, $2) > 0', place)
		   INTO rows USING word, encode(convert_to(word, 'UTF8'), 'hex');
		IF rows > 0 THEN
			RETURN NEXT;
		END IF;
	END LOOP;
END
$$;
-- an application whose key is the person's own number; a second table whose key is an expression; a third whose subjects are asked for
CREATE TABLE app.person (number text PRIMARY KEY, name text, status text, shared boolean DEFAULT true);
CREATE TABLE app.job (person text, title text);
CREATE TABLE app.street (id integer PRIMARY KEY, label text, person text);
CREATE VIEW app.people AS
	SELECT p.number AS subject_key, p.shared, jsonb_build_object(
		'member_identifier', jsonb_build_array(jsonb_build_object('identifier_type', 'UIN', 'identifier_value', p.number)),
		'demographic_info', jsonb_build_object('name', jsonb_build_object('given_name', CASE p.status WHEN 'bad' THEN (p.name::integer)::text ELSE p.name END)),
		'employment_status', p.status) AS record
	  FROM app.person p;
SELECT casesync.set_node('sp.test', 'https://dci.sp.test', four_eyes => false);
SELECT * FROM casesync.publish('people', 'app.people', 'Member');
SELECT count(*) FROM (SELECT casesync.track('app.person', '{people}', 'number', on_insert => 'enrolment', on_update => 'enrolment', on_delete => 'enrolment')) x;
SELECT count(*) FROM (SELECT casesync.track('app.job', '{people}', 'person || ''''', on_insert => 'enrolment', on_update => 'enrolment')) x;
SELECT count(*) FROM (SELECT casesync.track('app.street', '{people}', 'id', on_insert => 'enrolment', on_update => 'enrolment',
	subjects => 'SELECT person FROM app.street WHERE id = $1::integer')) x;
SELECT casesync.set_partner('ess.test', 'https://dci.ess.test');
SELECT casesync.set_partner('tax.test', 'https://dci.tax.test');
SELECT casesync.set_agreement('OUT', 'ess.test', registries => '{people}', event_types => '{enrolment}',
	fields => '{demographic_info.name,employment_status}', identifier_types => '{UIN}', subjects => 'shared', on_leave => 'identifier_only', services => '{notify,search}',
	valid_from => '2020-01-01', legal_basis => 'Act 1', purpose => 'work', subscribing => 'auto');
SELECT casesync.set_agreement('TAX', 'tax.test', registries => '{people}', event_types => '{enrolment}',
	fields => '{demographic_info.name}', identifier_types => '{UIN}', subjects => 'true', valid_from => '2020-01-01', legal_basis => 'Act 2');
SELECT casesync.set_agreement('NEXT', 'tax.test', registries => '{people}', event_types => '{enrolment}',
	fields => '{demographic_info.name}', identifier_types => '{UIN}', subjects => 'true', valid_from => '2099-01-01', legal_basis => 'Act 2');
SELECT casesync.set_agreement('IN', 'ess.test', direction => 'in', event_types => '{enrolment}',
	fields => '{demographic_info.name,employment_status}', identifier_types => '{UIN}', valid_from => '2020-01-01', legal_basis => 'Act 1');
SELECT casesync.activate(a) FROM unnest('{OUT,TAX,IN}'::text[]) a;
SELECT casesync.rehearse('NEXT', now() + interval '1 day');
SELECT casesync.subscribe('ess.test', 'enrolment', 'Member') <> '' AS subscribed;
SELECT casesync.subscribe('tax.test', 'enrolment', 'Member') <> '' AS subscribed;
SELECT casesync.subscribe('ess.test', 'enrolment', 'Member', '{"type": "UIN", "value": "ZQ-4711"}', 'idtype-value', reference_id => 'one') <> '' AS subscribed;

-- Zoe's whole life with us, and some of Yan's
INSERT INTO app.person VALUES ('ZQ-4711', 'Zoe Quill', 'Active'), ('YV-4712', 'Yan Vale', 'Active');
INSERT INTO app.job VALUES ('ZQ-4711', 'mate of Zoe Quill');
INSERT INTO app.street VALUES (1, 'Zoe Quill Alley', 'ZQ-4711');
SELECT more FROM casesync_internal.route();
SELECT count(*) AS send FROM app.send('ess.test');
UPDATE app.person SET status = 'Suspended';
UPDATE app.job SET title = 'boss of Zoe Quill';
UPDATE app.street SET label = 'Zoe Quill Road';
SELECT more FROM casesync_internal.route();
SELECT count(*) AS send FROM app.send('tax.test', 'refused');
UPDATE app.person SET status = 'bad' WHERE name ~ 'Zoe';
SELECT more FROM casesync_internal.route();
SELECT error_code, reason FROM casesync.quarantine;
UPDATE app.person SET status = 'Active' WHERE name ~ 'Zoe';
UPDATE app.person SET status = 'bad' WHERE name ~ 'Zoe';
SELECT more FROM casesync_internal.route();
-- the partner tells us about both in one message, and about Zoe alone
CREATE FUNCTION app.event(n text, who text) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('reference_id', n, 'timestamp', '2026-01-01T00:00:00Z', 'data', jsonb_build_object('reg_type', 'ns:org:RegistryType:ESS',
		'reg_event_type', 'enrolment', 'reg_record_type', 'Member', 'reg_records', jsonb_build_object('member_identifier', jsonb_build_array(jsonb_build_object(
		'identifier_type', 'UIN', 'identifier_value', $2)), 'demographic_info', jsonb_build_object('name', jsonb_build_object('given_name',
		CASE $2 WHEN 'ZQ-4711' THEN 'Zoe Quill' ELSE 'Yan Vale' END)), 'employment_status', $1)))
$$;
SELECT ack AS ack_status FROM app.say('notify', jsonb_build_object('transaction_id', 't1', 'notify_event',
	jsonb_build_array(app.event('a', 'ZQ-4711'), app.event('b', 'YV-4712'))), 'm1');
SELECT ack AS ack_status FROM app.say('notify', jsonb_build_object('transaction_id', 't1', 'notify_event',
	jsonb_build_array(app.event('c', 'ZQ-4711'))), 'm2');
SELECT ack AS ack_status FROM app.say('subscribe', jsonb_build_object('transaction_id', 't2', 'subscribe_request',
	jsonb_build_array(jsonb_build_object('reference_id', 'two', 'timestamp', '2026-01-01T00:00:00Z', 'subscribe_criteria', jsonb_build_object(
		'reg_type', 'ns:org:RegistryType:ESS', 'reg_event_type', 'enrolment', 'notify_record_type', 'Member', 'filter_type', 'expression',
		'filter', '{"UIN": {"$in": ["ZQ-4711", "YV-4712"]}}'::jsonb)))), 'm3');
SELECT count(*) FROM (SELECT casesync.subscribe_to('ess.test', 'enrolment', 'Member', '{"type": "UIN", "value": "ZQ-4711"}', 'idtype-value')) x;
-- the partner searches for her, and for everybody; one question is not answered yet
CREATE FUNCTION app.search(n text, query jsonb) RETURNS text LANGUAGE sql AS $$
	SELECT ack FROM app.say('search', jsonb_build_object('transaction_id', 's' || n, 'search_request',
		jsonb_build_array(app.item($2, n, '{"reg_record_type": "Member"}'))), 's' || n)
$$;
UPDATE app.person SET status = 'Active';
SELECT more FROM casesync_internal.route();
SELECT app.search('1', '{"type": "UIN", "value": "ZQ-4711"}'), app.search('2', '{}');
SELECT app.work() AS sum;
SELECT app.search('3', '{"employment_status": {"$eq": "Active"}}'), app.search('4', '{"type": "UIN", "value": "ZQ-4711"}');
SELECT r.transaction_id, r.state, o.action, o.state, jsonb_array_length(o.message #> '{search_response,0,data,reg_records}') AS found
  FROM casesync_internal.request_in r LEFT JOIN casesync_internal.outgoing o ON o.reference_id = r.outgoing ORDER BY 1;
UPDATE app.person SET status = 'bad' WHERE name ~ 'Zoe';
SELECT more FROM casesync_internal.route();
-- the ground is prepared: she is all over the place, and so is he
SELECT count(*) > 7 AS zoe FROM app.found('ZQ-4711');
SELECT * FROM app.found('Zoe Quill');
CREATE TABLE app.yan AS SELECT * FROM app.found('YV-4712');
CREATE TABLE app.told AS SELECT * FROM casesync.disclosures('people', 'ZQ-4711');

-- before
SELECT partner, way, fields, agreement, purpose, legal_basis, outcome FROM casesync.disclosures('people', 'ZQ-4711');
SELECT partner, last_sent = (SELECT max(at) FROM app.told t WHERE t.partner = h.partner) AS latest, fields FROM casesync.held_by('people', 'ZQ-4711') h;
SELECT app.try($$SELECT * FROM casesync.erase('nothing', 'x', 'y')$$);
SELECT app.try($$SELECT * FROM casesync.erase('people', '', 'y')$$);
SELECT app.try($$SELECT * FROM casesync.erase('people', 'x', NULL)$$);
SELECT app.try($$SELECT * FROM casesync.erase('people', 'x', 'y', '{12345}')$$);
-- she has left the application in this very minute: what is not routed yet keeps its key until it is
DELETE FROM app.person WHERE number = 'ZQ-4711';
DELETE FROM app.job;
DELETE FROM app.street;
SELECT * FROM casesync.erase('people', 'ZQ-4711', 'asked for it, letter 12') ORDER BY what, partner_to_inform;
SELECT * FROM app.found('Zoe Quill');
SELECT place FROM app.found('ZQ-4711');
SELECT more FROM casesync_internal.route();
SELECT what, partner_to_inform FROM casesync.erase('people', 'ZQ-4711', 'asked for it, letter 12', '{UIN:ZQ-4711}') ORDER BY what, partner_to_inform;
-- nothing of her is left
SELECT * FROM app.found('Zoe Quill');
SELECT * FROM app.found('ZQ-4711');
-- of him all is as it was, but for the bytes of the message that named both and his place in captured changes of other tables
SELECT y.place, y.rows AS before, f.rows AS after FROM app.yan y LEFT JOIN app.found('YV-4712') f ON f.place = y.place WHERE f.rows IS DISTINCT FROM y.rows ORDER BY y.place::text;
-- and who was told of her is still known to who knows her number
SELECT count(*) AS differences FROM (SELECT * FROM app.told EXCEPT SELECT * FROM casesync.disclosures('people', 'ZQ-4711')) x;
SELECT partner, fields FROM casesync.held_by('people', 'ZQ-4711');
SELECT key ~ '^erased:[0-9a-f]{32}$' AS hashed, hmac IS NOT NULL AS has_hash, count(*) FROM casesync_internal.disclosure WHERE key ~ '^erased' GROUP BY 1, 2;
SELECT state, count(*), bool_and(record IS NULL) AS forgotten, bool_and(hmac IS NOT NULL) AS has_hash FROM casesync_internal.notification WHERE key ~ '^erased' GROUP BY state ORDER BY state;
SELECT state, reason FROM casesync_internal.subscription WHERE id_value ~ '^erased';
SELECT r.transaction_id, r.state, r.status, r.reason, r.message IS NULL AS forgotten, o.state FROM casesync_internal.request_in r
  LEFT JOIN casesync_internal.outgoing o ON o.reference_id = r.outgoing ORDER BY 1;
SELECT app.work() AS sum;
SELECT r.transaction_id, o.state, o.message #> '{search_response,0,data,reg_records}' AS found FROM casesync_internal.request_in r
  JOIN casesync_internal.outgoing o ON o.reference_id = r.outgoing AND o.state = 'due' ORDER BY 1;
SELECT regexp_replace(filter::text, 'erased:[0-9a-f]+', 'erased') AS filter, tree::text ~ 'ZQ-4711' AS tree FROM casesync_internal.subscription WHERE filter::text ~ 'YV-4712' AND filter::text ~ 'erased';
SELECT state, record IS NULL AS forgotten, count(*) FROM casesync.inbox GROUP BY 1, 2 ORDER BY 1, 2;
-- nothing of it is sent, now or later; the same message again is no news
SELECT (SELECT count(*) FROM app.send('ess.test')) AS send, (SELECT count(*) FROM app.send('tax.test')) AS send;
SELECT * FROM app.found('Zoe Quill');
SELECT s.ack AS ack_status, (SELECT count(*) FROM casesync.inbox) AS items
  FROM app.say('notify', jsonb_build_object('transaction_id', 't1', 'notify_event', jsonb_build_array(app.event('c', 'ZQ-4711'))), 'm2') s;
SELECT s.ack AS ack_status FROM app.say('notify', jsonb_build_object('transaction_id', 't1', 'notify_event', jsonb_build_array(app.event('c', 'ZQ-4711'))), 'm9') s;
SELECT count(*) AS items FROM casesync.inbox;
-- the audit says that it was done, not about whom
SELECT what, about, detail->>'reason' AS reason, detail->>'subject' ~ '^erased:' AS hashed, jsonb_array_length(detail->'done') > 5 AS has_done FROM casesync.audit WHERE what = 'erase' ORDER BY id;
-- the disclosures stay append-only but for exactly this change
SELECT app.try($$DELETE FROM casesync_internal.disclosure$$);
SELECT app.try($$UPDATE casesync_internal.disclosure SET outcome = 'refused' WHERE key = 'YV-4712'$$);
SELECT app.try($$UPDATE casesync_internal.disclosure SET key = 'somebody else' WHERE key = 'YV-4712'$$);
SELECT app.try($$UPDATE casesync_internal.disclosure SET key = casesync_internal.erased_key(registry, 'ZQ-4711') WHERE key = 'YV-4712'$$);
SELECT app.try($$UPDATE casesync_internal.disclosure SET key = casesync_internal.erased_key(registry, key), partner = 'other' WHERE key = 'YV-4712'$$);
-- somebody who is still in the application, and somebody of whom nothing is known
SELECT * FROM casesync.erase('people', 'YV-4712', 'by mistake') WHERE what ~ 'still|disclosures to';
SELECT * FROM casesync.erase('people', 'nobody', 'a test');

-- values: short ones whole only, long ones within texts too, in whatever way these are written; numbers; names together only
SELECT casesync_internal.json_without('{"a": "12", "b": ["12", "x12", 123456, 1234567], "c": {"12": "say \"12\""}, "d": 12}', p),
	casesync_internal.json_without('{"a": "x zq-4711", "ZQ-4711": "zoe", "b": "a 5a512d34373131", "c": "xWlEtNDcxMQ==", "d": "ZQ-471"}', p),
	casesync_internal.json_without('{"a": "Zoe", "b": "Quillon"}', p), casesync_internal.json_without('{"a": "Zoe", "b": "Miller"}', p),
	casesync_internal.json_without('{"a": "x zq-4711", "b": "zq-47110", "c": "xzq-4711", "d": "5a512d34373131"}', p, is_exact => true),
	casesync_internal.text_names('by Zoe Quill', p), casesync_internal.text_names('by Zoe', p), casesync_internal.text_names(NULL, p)
  FROM (SELECT ROW('people', 'k', '-', '{12,123456,ZQ-4711}', '{}', ARRAY(SELECT m FROM unnest('{12,ZQ-4711}'::text[]) w, casesync_internal.word_marks(w) m),
	'{zoe,quill}')::casesync_internal.person AS p) x;
SELECT casesync_internal.word_marks('Zoë/1') ORDER BY 1;
-- each of the three ways of base64 is one of the marks
SELECT before, EXISTS (SELECT FROM casesync_internal.word_marks('ZQ-4711') m WHERE strpos(lower(encode(convert_to(repeat('?', before) || 'ZQ-4711' || repeat('?', after), 'UTF8'), 'base64')), m) > 0) AS found
  FROM generate_series(0, 3) before, generate_series(0, 2) after GROUP BY before, after ORDER BY 1, after;
-- an identifier that is a short number, sent as a number
INSERT INTO app.person VALUES ('815', 'Ann Eight', 'Active');
SELECT casesync.subscribe('ess.test', 'enrolment', 'Member', '{"type": "UIN", "value": 815}', 'idtype-value', reference_id => 'short') AS code \gset
SELECT state, filter FROM casesync_internal.subscription WHERE code = :'code';
SELECT count(*) > 0 AS erased FROM casesync.erase('people', '815', 'asked for it');
SELECT state, filter, id_value LIKE 'erased:%' AS is_erased FROM casesync_internal.subscription WHERE reference_id = 'short';
DROP EXTENSION casesync CASCADE;
DROP SCHEMA app CASCADE;
