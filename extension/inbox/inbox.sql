/* What partners told us: stored before it is acknowledged, applied by functions of their owners. */
CREATE OR REPLACE FUNCTION casesync_internal.owns_function(f regprocedure)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce((SELECT pg_has_role(p.proowner, 'USAGE') FROM pg_proc p WHERE p.oid = f), true)
$$;
COMMENT ON FUNCTION casesync_internal.owns_function(regprocedure) IS
	'whether the current user has the rights of the function''s owner; a function that is gone is '
	'anybody''s';

/*
 * It runs as its owner. So it must be its owner who names it, and who has fixed its search_path:
 * else whoever makes objects in a schema before it could have them used.
 */
CREATE OR REPLACE FUNCTION casesync_internal.check_handler(handler regprocedure)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	p pg_proc;
BEGIN
	SELECT t.* INTO p FROM pg_proc t WHERE t.oid = handler;
	IF NOT FOUND OR p.prokind <> 'f' OR p.pronargs <> 1 OR p.prorettype <> 'text'::regtype
		OR p.proargtypes[0] <> 'casesync.inbound'::regtype OR p.proretset
	THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_function_definition',
			message => format('%s cannot be an apply function', coalesce(handler::text, 'NULL')),
			detail => 'An apply function takes one casesync.inbound and returns text: applied, '
				'kept, ignored, or review: why.',
			hint => 'CREATE FUNCTION apply(event casesync.inbound) RETURNS text LANGUAGE plpgsql '
				'SECURITY DEFINER …;');
	END IF;
	IF NOT p.prosecdef OR NOT casesync_internal.owns_function(handler) THEN
		PERFORM casesync_internal.raise_error(errcode => 'insufficient_privilege',
			message => format('%s must be SECURITY DEFINER and your own', handler),
			detail => 'It is called with its owner''s rights, by the bridge, which has none on '
				'your tables.',
			hint => CASE WHEN casesync_internal.owns_function(handler)
				THEN format('ALTER FUNCTION %s SECURITY DEFINER;', handler)
				ELSE format('SET ROLE %I;', pg_get_userbyid(p.proowner)) END);
	END IF;
	IF NOT EXISTS (SELECT FROM unnest(p.proconfig) c WHERE c ^@ 'search_path=') THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_function_definition',
			message => format('%s must have a search_path of its own', handler),
			detail => 'It runs in a session of the bridge, which does not see your schemas.',
			hint => format('ALTER FUNCTION %s SET search_path = public, pg_temp;', handler));
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.check_handler(regprocedure) IS
	'an error when a function cannot be an apply function of the current user';

/*
 * Whoever writes: a row says the same by name and by text, and whose the function is. Never an
 * error, or a restored dump would lose its rows; that it is the caller's is the policy's matter. A
 * row of 0.2.0, from a dump, has the text alone.
 */
CREATE OR REPLACE FUNCTION casesync_internal.handler_complete()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NEW.function_name IS NULL OR NEW.schema_name IS NULL THEN
		SELECT n.nspname, p.proname INTO NEW.schema_name, NEW.function_name
		  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
		 WHERE p.pronargs = 1 AND p.proargtypes[0] = 'casesync.inbound'::regtype
		   AND format('%I.%I(casesync.inbound)', n.nspname, p.proname) = NEW.handler;
	ELSE
		NEW.handler := format('%I.%I(casesync.inbound)', NEW.schema_name, NEW.function_name);
	END IF;
	NEW.owner := coalesce(NEW.owner,
		casesync_internal.apply_function_owner(NEW.schema_name, NEW.function_name));
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION casesync_internal.handler_complete() IS
	'trigger of handler: fills in what the row does not say';
CREATE OR REPLACE TRIGGER complete BEFORE INSERT OR UPDATE ON casesync_internal.handler
	FOR EACH ROW EXECUTE FUNCTION casesync_internal.handler_complete();

CREATE OR REPLACE FUNCTION casesync_internal.apply_call(schema name, function name, owner name,
	event casesync.inbound)
RETURNS text
AS 'MODULE_PATHNAME', 'casesync_apply_call'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION casesync_internal.apply_call(name, name, name, casesync.inbound) IS
	'call an apply function as its owner; an error unless it is that owner''s, and what an apply '
	'function must be';

/*
 * In whatever case a record type is written: what one publisher is told must not go to another who
 * writes it differently. The lock keeps two from naming the first one at once; who applies only
 * reads.
 */
CREATE OR REPLACE FUNCTION casesync_internal.handler_must_be_own(caller regrole, record_type text,
	event_type text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	theirs casesync_internal.handler;
BEGIN
	LOCK TABLE casesync_internal.handler IN SHARE ROW EXCLUSIVE MODE;
	SELECT h.* INTO theirs FROM casesync_internal.handler h
	 WHERE lower(h.record_type) = lower(handler_must_be_own.record_type)
	   AND h.event_type = handler_must_be_own.event_type
	   AND NOT casesync_internal.acts_as(caller, h.owner) LIMIT 1;
	IF FOUND THEN
		PERFORM casesync_internal.raise_error(errcode => 'insufficient_privilege',
			message => format('may not name the apply function for %s of %s', event_type,
				record_type),
			detail => format('There is one, of role "%s".', coalesce(theirs.owner, '?')),
			hint => CASE WHEN theirs.owner IS NOT NULL
				THEN format('SET ROLE %I;', theirs.owner) END);
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.handler_must_be_own(regrole, text, text) IS
	'an error when another has named the apply function; else nobody else does until the '
	'transaction ends';

/*
 * Nobody writes the table by himself: who may could lock it, and keep everybody's items waiting.
 * What on_notify() found is not believed; what else an apply function must be is asked at each
 * call.
 */
CREATE OR REPLACE FUNCTION casesync_internal.handler_store_for(caller regrole, record_type text,
	event_type text, schema_name name, function_name name)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
BEGIN
	IF coalesce(record_type, '') = '' OR coalesce(event_type, '') = '' THEN
		PERFORM casesync_internal.raise_error(errcode => 'null_value_not_allowed',
			message => 'record_type and event_type must not be empty',
			hint => 'SELECT casesync.on_notify(''Member'', ''enrolment_status_change'', '
				'''schema.function(casesync.inbound)'');');
	END IF;
	record_type := casesync_internal.plain_name(record_type);
	event_type := casesync_internal.event_name(event_type);
	PERFORM casesync_internal.handler_must_be_own(caller, record_type, event_type);
	DELETE FROM casesync_internal.handler h
	 WHERE lower(h.record_type) = lower(record_type) AND h.event_type = event_type;
	IF function_name IS NULL THEN
		RETURN;
	END IF;
	IF NOT casesync_internal.acts_as(caller,
		casesync_internal.apply_function_owner(schema_name, function_name))
		OR casesync_internal.apply_function_owner(schema_name, function_name) IS NULL
	THEN
		PERFORM casesync_internal.raise_error(errcode => 'insufficient_privilege',
			message => format('%I.%I(casesync.inbound) is not yours', schema_name, function_name));
	END IF;
	INSERT INTO casesync_internal.handler (record_type, event_type, handler, schema_name,
		function_name)
	VALUES (record_type, event_type, '', schema_name, function_name);
END
$$;
COMMENT ON FUNCTION casesync_internal.handler_store_for(regrole, text, text, name, name) IS
	'see handler_store()';

CREATE OR REPLACE FUNCTION casesync_internal.handler_store(record_type text, event_type text,
	schema_name name, function_name name)
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'casesync_known_caller';
COMMENT ON FUNCTION casesync_internal.handler_store(text, text, name, name) IS
	'part of on_notify(): names the apply function for who owns it; NULL: there is none any more';

CREATE OR REPLACE FUNCTION casesync.on_notify(record_type text, event_type text,
	handler regprocedure)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF handler IS NULL THEN
		PERFORM casesync_internal.handler_store(record_type, event_type, NULL, NULL);
		RETURN format('what partners tell of %s about records of type %s waits for a person',
			event_type, record_type);
	END IF;
	PERFORM casesync_internal.check_handler(handler);
	PERFORM casesync_internal.handler_store(record_type, event_type, n.nspname, f.proname)
	   FROM pg_proc f JOIN pg_namespace n ON n.oid = f.pronamespace WHERE f.oid = handler;
	RETURN format('%s applies what partners tell of %s about records of type %s', handler,
		event_type, record_type);
END
$$;
COMMENT ON FUNCTION casesync.on_notify(text, text, regprocedure) IS
	'name the function that applies notifications of a record type and event type; NULL: none does '
	'any more';

CREATE OR REPLACE FUNCTION casesync_internal.handlers_in(schema name)
RETURNS TABLE (record_type text, event_type text)
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT h.record_type, h.event_type FROM casesync_internal.handler h
	 WHERE h.schema_name = handlers_in.schema ORDER BY h.record_type, h.event_type
$$;
COMMENT ON FUNCTION casesync_internal.handlers_in(name) IS
	'for which records and events a function of this schema is named, also when it is gone';

CREATE OR REPLACE FUNCTION casesync_internal.inbox_handler(i casesync_internal.inbox_item)
RETURNS casesync_internal.handler
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	h casesync_internal.handler;
BEGIN
	SELECT t.* INTO h FROM casesync_internal.handler t
	 WHERE lower(t.record_type) = lower(i.record_type) AND t.event_type = i.event_type
	   AND casesync_internal.apply_function_owner(t.schema_name, t.function_name) IS NOT NULL
	 ORDER BY t.record_type <> i.record_type, t.record_type COLLATE "C" LIMIT 1;
	RETURN h;
END
$$;
COMMENT ON FUNCTION casesync_internal.inbox_handler(casesync_internal.inbox_item) IS
	'the apply function of an item; NULL: none';

/*
 * Run the handler in a subtransaction of its own: an item that is not applied leaves no trace. The
 * origin is set first: what the function changes is not told back to the partner that it came from.
 */
CREATE OR REPLACE FUNCTION casesync_internal.run_handler(i casesync_internal.inbox_item,
	OUT state text, OUT reason text, OUT error_code text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	h constant casesync_internal.handler := casesync_internal.inbox_handler(i);
	merged record;
	answer text;
BEGIN
	IF h.function_name IS NULL THEN
		state := 'review';
		reason := format('no apply function for %s of %s', i.event_type, i.record_type);
		RETURN;
	END IF;
	BEGIN
		PERFORM casesync_internal.set_origin(i.id);
		merged := casesync_internal.inbox_merge(i);
		IF (merged.m).news = 0 THEN
			state := 'ignored';
			reason := merged.why;
			RETURN;
		END IF;
		answer := coalesce('review: ' || merged.why, casesync_internal.apply_call(h.schema_name,
			h.function_name, h.owner, casesync_internal.inbox_event(i, (merged.m).record)));
		IF answer IN ('applied', 'kept') THEN
			PERFORM casesync_internal.inbox_merged(i, merged.m, answer = 'kept');
			reason := CASE answer WHEN 'kept' THEN 'of a part of it what stands here counts' END;
		END IF;
		IF answer IN ('applied', 'kept', 'ignored') THEN
			state := CASE answer WHEN 'ignored' THEN answer ELSE 'applied' END;
			RETURN;
		END IF;
		RAISE EXCEPTION USING errcode = 'CS001';
	EXCEPTION
		WHEN SQLSTATE 'CS001' THEN
			state := CASE WHEN answer ^@ 'review' THEN 'review' ELSE 'failed' END;
			reason := casesync_internal.reason_text(CASE state
				WHEN 'review' THEN regexp_replace(answer, E'^review:?\\s*', '')
				ELSE format('the apply function returned %L', answer) END);
		WHEN OTHERS THEN
			state := 'failed'; error_code := SQLSTATE;
			reason := casesync_internal.reason_text(SQLERRM);
	END;
END
$$;
COMMENT ON FUNCTION casesync_internal.run_handler(casesync_internal.inbox_item) IS
	'apply one item as the owner of its apply function, and say what came of it';

/*
 * The login is noted (session_user): current_user is the owner of accept() and reject(). Whom it
 * names beside itself is what it says: an application has one login for all who decide in it. The
 * state is checked by the statement that changes it, so of two reviewers one is told.
 */
CREATE OR REPLACE FUNCTION casesync_internal.inbox_decide(inbox_id bigint, from_states text[],
	to_state text, note text, decider text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	waiting constant text :=
		'SELECT id, partner, event_type, reason FROM casesync.inbox WHERE state = ''review'';';
	state text;
BEGIN
	UPDATE casesync_internal.inbox_item t SET state = to_state, decided_by = session_user,
		decided_at = clock_timestamp(), note = left(inbox_decide.note, 2000), tries = 0,
		next_try = NULL, decider = nullif(left(btrim(inbox_decide.decider), 200), '')
	 WHERE t.id = inbox_id AND t.state = ANY (from_states);
	IF NOT FOUND THEN
		SELECT t.state INTO state FROM casesync_internal.inbox_item t WHERE t.id = inbox_id;
		IF NOT FOUND THEN
			PERFORM casesync_internal.raise_error(errcode => 'undefined_object',
				message => format('there is no inbox item %s', coalesce(inbox_id::text, 'NULL')),
				hint => waiting);
		END IF;
		PERFORM casesync_internal.raise_error(errcode => 'object_not_in_prerequisite_state',
			message => format('inbox item %s is not waiting for this decision', inbox_id),
			detail => format('Its state is %s; it must be %s.', state,
				array_to_string(from_states, ' or ')),
			hint => waiting);
	END IF;
	PERFORM casesync_internal.audit_note('inbox ' || to_state, inbox_id::text,
		jsonb_strip_nulls(jsonb_build_object('item', inbox_id,
			'decided_by', nullif(left(btrim(decider), 200), ''))));
	PERFORM casesync_internal.ring();
END
$$;
COMMENT ON FUNCTION casesync_internal.inbox_decide(bigint, text[], text, text, text) IS
	'a person decides about an item';

/* As inbox_due() has it. With the extension's rights, for a view that reviewers read. */
CREATE OR REPLACE FUNCTION casesync_internal.inbox_waits_for(item bigint)
RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce((SELECT format('item %s about the same subject, which %s', o.id,
			CASE o.state WHEN 'review' THEN 'waits for a decision' ELSE 'has failed' END)
		  FROM casesync_internal.inbox_item o
		 WHERE o.partner = i.partner AND o.subject = i.subject AND o.id < i.id
		   AND o.state IN ('review', 'failed') ORDER BY o.id LIMIT 1),
		CASE WHEN NOT casesync_internal.rest_is_over(i.next_try)
			THEN format('its next try at %s', to_char(i.next_try, 'YYYY-MM-DD HH24:MI:SS')) END,
		'the bridge')
	  FROM casesync_internal.inbox_item i WHERE i.id = inbox_waits_for.item AND i.state = 'new'
$$;
COMMENT ON FUNCTION casesync_internal.inbox_waits_for(bigint) IS
	'what has to be done before a new item is applied; NULL of any other';

/*
 * Applied by the bridge, not here: a reviewer needs no right on the tables that an apply function
 * writes.
 */
CREATE OR REPLACE FUNCTION casesync.accept(inbox_id bigint, note text DEFAULT NULL,
	decided_by text DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM casesync_internal.inbox_decide(inbox_id, '{review}', 'new', note, decided_by);
	RETURN format('item %s will be applied%s', inbox_id, '; it waits for '
		|| nullif(casesync_internal.inbox_waits_for(inbox_id), 'the bridge'));
END
$$;
COMMENT ON FUNCTION casesync.accept(bigint, text, text) IS
	'an item in review is applied; the bridge does it at once. decided_by: the person, where '
	'several share the login';

CREATE OR REPLACE FUNCTION casesync.reject(inbox_id bigint, reason text,
	decided_by text DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF coalesce(reason, '') !~ E'\\S' THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => 'a rejection needs a reason',
			detail => 'What a partner told is not taken over: somebody will ask why.',
			hint => format('SELECT casesync.reject(%s, ''…'');', coalesce(inbox_id::text, 'id')));
	END IF;
	PERFORM casesync_internal.inbox_decide(inbox_id, '{review,failed}', 'rejected', reason,
		decided_by);
	RETURN format('item %s is rejected', inbox_id);
END
$$;
COMMENT ON FUNCTION casesync.reject(bigint, text, text) IS
	'an item in review or failed is not applied. decided_by: as for accept()';

/* Only what has failed. What waits for a person is for accept(), which another access has. */
CREATE OR REPLACE FUNCTION casesync.retry_inbox(inbox_id bigint DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	asked bigint;
BEGIN
	UPDATE casesync_internal.inbox_item t SET state = 'new', tries = 0, next_try = NULL
	 WHERE t.state = 'failed' AND (inbox_id IS NULL OR t.id = inbox_id);
	GET DIAGNOSTICS asked = ROW_COUNT;
	PERFORM casesync_internal.audit_note('retry_inbox', inbox_id::text,
		jsonb_build_object('items', asked));
	PERFORM casesync_internal.ring();
	RETURN asked;
END
$$;
COMMENT ON FUNCTION casesync.retry_inbox(bigint) IS
	'try failed items (or one) again; returns how many';
