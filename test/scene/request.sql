\set ECHO none
-- What a partner asks of us, and our answers. Wants a schema app.
-- the answer to a question that waits for it, as the bridge asks for it
CREATE FUNCTION app.answer(action text, message jsonb, partner text DEFAULT 'ess.test') RETURNS casesync_internal.reply LANGUAGE sql AS $$
	SELECT a FROM casesync_internal.answer_now($3, 'm1', convert_to(jsonb_build_object('signature', 'x', 'header',
		jsonb_build_object('action', $1, 'message_id', 'm1'), 'message', $2)::text, 'UTF8'), NULL, 'kid-1') a
$$;
-- one question of a message search
CREATE FUNCTION app.item(query jsonb, reference text DEFAULT 'r1', criteria jsonb DEFAULT '{}', more jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('reference_id', $2, 'timestamp', '2026-01-01T08:00:00Z', 'search_criteria',
		jsonb_build_object('query', $1, 'reg_type', 'ns:org:RegistryType:ESS', 'reg_record_type', 'spdci-extensions-dci:Member') || $3) || $4
$$;
-- searches: the whole answer, or what it says of each question
CREATE FUNCTION app.ask(items jsonb, partner text DEFAULT 'ess.test') RETURNS casesync_internal.reply LANGUAGE sql AS
	$$ SELECT app.answer('search', jsonb_build_object('transaction_id', 't1', 'search_request', $1), $2) $$;
CREATE FUNCTION app.answers(items jsonb, partner text DEFAULT 'ess.test') RETURNS SETOF jsonb LANGUAGE sql AS $$
	SELECT x.i FROM jsonb_array_elements((app.ask($1, $2)).message::jsonb->'search_response') WITH ORDINALITY x(i, n) ORDER BY x.n
$$;
-- answers all questions that were stored for later; how many
CREATE FUNCTION app.work() RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	done record; worked integer := 0;
BEGIN
	FOR turn IN 1 .. 100 LOOP
		SELECT * INTO done FROM casesync_internal.work_requests();
		worked := worked + done.requests;
		EXIT WHEN NOT done.more;
	END LOOP;
	RETURN worked;
END
$$;
\set ECHO all
