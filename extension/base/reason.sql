/*
 * Why messages of partners, or items of them, are refused: every such reason with the standard's
 * code (err.… for a message, rjct.… for an item) and what the partner is told. Where the standard
 * has a fitting rjct.… only, but the whole message is refused, the text ends with it.
 */
CREATE OR REPLACE FUNCTION casesync_internal.message_reasons()
RETURNS TABLE (reason text, code text, why text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	VALUES
	('sender unknown', 'err.sender_id.invalid', 'sender_id is not registered here'),
	('node paused', 'err.service.unavailable', 'this node is paused: try again later'),
	('no encryption key', 'err.service.unavailable', 'the answer must be encrypted, and no '
		'encryption key of yours is registered here: send us one'),
	('body unreadable', 'err.request.bad', E'the body must be UTF-8 JSON with the objects header '
		'and message, without the character \\u0000, and header.message_id of 1 to 255 characters'),
	('message_id used', 'err.request.bad',
		'message_id was used before with another message: rjct.message_id.duplicate'),
	('action unknown', 'err.request.bad', 'action "%s" is not supported here'),
	('action not synchronous', 'err.request.bad', 'action "%s" has no synchronous answer: send '
		'search, txn-status or enrollementstatus: rjct.action.not_supported'),
	('action not asynchronous', 'err.request.bad',
		'enrolment status is answered at once: POST it to /registry/sync/check-enrollment'),
	('address not yours', 'err.sender_uri.invalid',
		'sender_uri is not below a callback address registered for this sender_id'),
	('event without records', 'err.request.bad',
		'each item of notify_event must have its data.reg_records'),
	('record no object', 'err.request.bad', 'reg_records of item %s is not an object'),
	('event not agreed', 'err.request.forbidden', 'no agreement lets %s tell us of event type '
		'"%s"'),
	('push not agreed', 'err.request.forbidden', 'no agreement lets %s push event type "%s" to us'),
	('found not agreed', 'err.request.forbidden', 'no agreement lets you tell us what a search '
		'finds'),
	('search not ours', 'err.request.bad',
		'transaction_id and reference_id are not those of a search of ours at you'),
	('question not ours', 'err.request.bad',
		'transaction_id is not that of a question of ours to you'),
	('subscribe not ours', 'err.request.bad',
		'no reference_id in this on-subscribe is that of a request of ours to you'),
	('unsubscribe not ours', 'err.request.bad',
		'transaction_id is not that of an unsubscribe of ours to you'),
	('question unclear', 'err.request.bad', '%s')
$$;
COMMENT ON FUNCTION casesync_internal.message_reasons() IS
	'all reasons for which messages of partners are refused as a whole';

CREATE OR REPLACE FUNCTION casesync_internal.size_reasons()
RETURNS TABLE (reason text, code text, why text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	VALUES
	('numbers too large', 'err.request.bad', 'a number in the body is larger, smaller or longer '
		'than a double holds, or there are too many of them: send such numbers as strings'),
	('too many items', 'err.request.bad', '%s has %s items; send at most %s in a message: '
		'rjct.total_count.limit_exceeded'),
	('too many records', 'err.request.bad', 'notify_event has %s records; send at most %s in a '
		'message: rjct.total_count.limit_exceeded'),
	('too many records found', 'err.request.bad',
		'more than %s records in a message: send fewer to a page'),
	('stored too much', 'err.request.too_many_requests', 'what we keep of your messages has '
		'reached what you may have stored here on %s: send this one again later'),
	('too many waiting', 'err.request.too_many_requests',
		'%s requests of yours wait for their answers: send this one again later')
$$;
COMMENT ON FUNCTION casesync_internal.size_reasons() IS
	'all reasons for which messages of partners are refused for how much they are';

CREATE OR REPLACE FUNCTION casesync_internal.search_reasons()
RETURNS TABLE (reason text, code text, why text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	VALUES
	('reference_id repeated', 'rjct.reference_id.duplicate',
		'another item of this request has the same reference_id'),
	('search unclear', 'rjct.search_criteria.invalid', '%s'),
	('search of registry type', 'rjct.search_criteria.invalid',
		'reg_type "%s" is not agreed to be searched; agreed: %s'),
	('search of record type', 'rjct.search_criteria.invalid',
		'reg_record_type "%s" is not agreed to be searched; agreed: %s'),
	('search of identifier', 'rjct.search_criteria.invalid',
		'identifier type "%s" is not agreed; agreed: %s'),
	('page unclear', 'rjct.pagination.invalid', '%s'),
	('filter unclear', 'rjct.filter.invalid', '%s'),
	('sort unclear', 'rjct.sort.invalid', '%s'),
	('too many found', 'rjct.search.too_many_records_found',
		'more than %s records match: narrow the query'),
	('answer too large', 'rjct.pagination.invalid', 'the records of this request have more than '
		'%s bytes: ask for fewer items or a smaller page_size'),
	('lookups used up', 'rjct.search_criteria.invalid',
		'what is left of the lookups agreed for a day does not suffice for this: narrow it, or '
		'send it again tomorrow'),
	('record unreadable', 'rjct.search_criteria.invalid', 'a record in this registry cannot be '
		'read at present: search by an identifier, or try again later'),
	('search too slow', 'rjct.search_criteria.invalid', 'the search took longer than %s allows: '
		'narrow it, ask for fewer items in one request, or search by an identifier'),
	('search failed', 'rjct.search_criteria.invalid', 'this could not be searched here; nothing '
		'is wrong with the request: send it again later'),
	('lookup failed', NULL, 'this could not be looked up here; nothing is wrong with the request: '
		'send it again later'),
	('request failed', 'rjct.search_criteria.invalid', 'this could not be answered here; nothing '
		'is wrong with the request: send it again later'),
	('not answered', 'err.service.unavailable',
		'this could not be answered here; nothing is wrong with the request: send it again later')
$$;
COMMENT ON FUNCTION casesync_internal.search_reasons() IS
	'all reasons for which items of a search are refused, or what is asked of one person, or a '
	'question that is answered at once';

CREATE OR REPLACE FUNCTION casesync_internal.wish_reasons()
RETURNS TABLE (reason text, code text, why text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	VALUES
	('reference_id used', 'rjct.reference_id.duplicate',
		'reference_id was used before for another subscription'),
	('wish types unclear', 'rjct.notify_types.invalid', '%s'),
	('wish details unclear', 'rjct.notify_details.invalid', '%s'),
	('wish over quota', 'rjct.notify_details.invalid', '%s'),
	('filters paused', 'rjct.notify_details.invalid', 'your subscriptions to filters are paused: '
		'the filters take too long here; unsubscribe from them and send others with fewer '
		'conditions and values'),
	('wish refused', 'rjct.notify_details.invalid', '%s'),
	('registry type unknown', 'rjct.notify_types.invalid',
		'registry type "%s" is not known here; known: %s'),
	('event type unknown', 'rjct.notify_types.invalid',
		'event type "%s" is not known here%s; known: %s'),
	('wish not agreed', 'rjct.notify_types.invalid',
		'no agreement with %s covers event type "%s" of record type "%s"'),
	('sharing stopped', 'rjct.notify_types.invalid', 'sharing with "%s" is stopped'),
	('identifier not agreed', 'rjct.notify_details.invalid',
		'identifier type "%s" is not agreed; agreed: %s'),
	('wish over already', 'rjct.notify_details.invalid', 'frequency.end_time is in the past'),
	('wish repeated', 'rjct.event.already_subscribed', 'subscription %s has the same criteria'),
	('subscription ended', 'rjct.reference_id.duplicate',
		'this subscription has ended; use a new reference_id'),
	('code unknown', 'rjct.subscription_code.invalid',
		'%s of %s codes name no subscription of yours that is active'),
	('code ended', 'rjct.event.already_unsubscribed',
		'%s of %s codes name no subscription of yours that is active')
$$;
COMMENT ON FUNCTION casesync_internal.wish_reasons() IS
	'all reasons for which items of a subscribe, or an unsubscribe, are refused';

CREATE OR REPLACE VIEW casesync_internal.reason AS
	SELECT m.reason, m.code, m.why FROM casesync_internal.message_reasons() m
	UNION ALL
	SELECT z.reason, z.code, z.why FROM casesync_internal.size_reasons() z
	UNION ALL
	SELECT s.reason, s.code, s.why FROM casesync_internal.search_reasons() s
	UNION ALL
	SELECT w.reason, w.code, w.why FROM casesync_internal.wish_reasons() w;
COMMENT ON VIEW casesync_internal.reason IS
	'all reasons for which messages of partners, or items of them, are refused';
COMMENT ON COLUMN casesync_internal.reason.reason IS 'our name for it';
COMMENT ON COLUMN casesync_internal.reason.code IS
	'the standard''s word; NULL where the answer has no place for one';
COMMENT ON COLUMN casesync_internal.reason.why IS
	'what the partner is told; %s stands for what the caller fills in';

/* STRICT: a reason that is not in the list is a fault of ours, and no empty answer. */
CREATE OR REPLACE FUNCTION casesync_internal.refused_for(reason text,
	VARIADIC parts text[] DEFAULT '{}')
RETURNS casesync_internal.verdict
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	verdict casesync_internal.verdict;
BEGIN
	SELECT r.code, format(r.why, VARIADIC parts) INTO STRICT verdict.code, verdict.why
	  FROM casesync_internal.reason r WHERE r.reason = refused_for.reason;
	RETURN verdict;
END
$$;
COMMENT ON FUNCTION casesync_internal.refused_for(text, text[]) IS
	'the refusal for one of these reasons; parts: what its text leaves open';

CREATE OR REPLACE FUNCTION casesync_internal.reason_code(reason text)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (SELECT r.code FROM casesync_internal.reason r WHERE r.reason = reason_code.reason);
END
$$;
COMMENT ON FUNCTION casesync_internal.reason_code(text) IS
	'the standard''s word for one of these reasons';
