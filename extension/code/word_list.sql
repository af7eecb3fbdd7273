/* Whose a list of words is, and who else may change it. */

/*
 * Words without an owner are older than owners, or their owner was not in the database that a dump
 * was restored into: the first who comes must not get them.
 */
CREATE OR REPLACE FUNCTION casesync_internal.word_list_claim(caller regrole, list text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF casesync_internal.acts_as(caller, NULL) OR NOT EXISTS (
		SELECT FROM casesync_internal.crosswalk_word w WHERE w.list = word_list_claim.list)
	THEN
		INSERT INTO casesync_internal.word_list (list, owner)
		VALUES (list, casesync_internal.role_name(caller))
		ON CONFLICT DO NOTHING;
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.word_list_claim(regrole, text) IS
	'a list that nobody has begun is the caller''s from now on';

CREATE OR REPLACE FUNCTION casesync_internal.word_list_refuse(caller regrole, list text,
	is_shared boolean)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	owner name := (SELECT l.owner FROM casesync_internal.word_list l
		WHERE l.list = word_list_refuse.list);
	is_there boolean := EXISTS (SELECT FROM pg_roles r WHERE r.rolname = owner);
BEGIN
	PERFORM casesync_internal.raise_error(errcode => 'insufficient_privilege',
		message => format('list of words "%s" is not yours', list),
		detail => CASE WHEN owner IS NULL THEN 'It has no owner.'
			WHEN NOT is_there THEN format('It belongs to role "%s", which does not exist.', owner)
			WHEN is_shared THEN format('It belongs to role "%s", which has not let you change it.',
				owner)
			ELSE format('It belongs to role "%s".', owner) END,
		hint => CASE WHEN NOT is_there THEN format(
				'SELECT casesync.own_word_list(%L, %L);  -- as a superuser', list,
				casesync_internal.role_name(caller))
			WHEN is_shared THEN format(
				'SET ROLE %I; SELECT casesync.grant_word_list(%L, %L);', owner, list,
				casesync_internal.role_name(caller))
			ELSE format('SET ROLE %I;', owner) END);
END
$$;
COMMENT ON FUNCTION casesync_internal.word_list_refuse(regrole, text, boolean) IS
	'the error that says whose a list of words is';

CREATE OR REPLACE FUNCTION casesync_internal.word_list_must_be_open(caller regrole, list text)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT casesync_internal.acts_as(caller, (SELECT l.owner FROM casesync_internal.word_list l
			WHERE l.list = word_list_must_be_open.list))
		AND NOT EXISTS (SELECT FROM casesync_internal.word_list_grant g
			WHERE g.list = word_list_must_be_open.list
				AND casesync_internal.acts_as(caller, g.role))
	THEN
		PERFORM casesync_internal.word_list_refuse(caller, list, is_shared => true);
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.word_list_must_be_open(regrole, text) IS
	'an error unless the caller may change the words of a list';

CREATE OR REPLACE FUNCTION casesync_internal.word_list_must_be_own(caller regrole, list text)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM casesync_internal.word_list l
			WHERE l.list = word_list_must_be_own.list
			UNION ALL
			SELECT FROM casesync_internal.crosswalk_word w
			WHERE w.list = word_list_must_be_own.list)
	THEN
		PERFORM casesync_internal.raise_error(errcode => 'undefined_object',
			message => format('there is no list of words "%s"', list),
			hint => 'SELECT * FROM casesync.word_lists;');
	ELSIF NOT casesync_internal.acts_as(caller, (SELECT l.owner FROM casesync_internal.word_list l
		WHERE l.list = word_list_must_be_own.list))
	THEN
		PERFORM casesync_internal.word_list_refuse(caller, list, is_shared => false);
	END IF;
END
$$;
COMMENT ON FUNCTION casesync_internal.word_list_must_be_own(regrole, text) IS
	'an error unless the list of words is the caller''s';

CREATE OR REPLACE FUNCTION casesync_internal.grant_word_list_for(caller regrole, list text,
	role regrole)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	PERFORM casesync_internal.word_list_must_be_own(caller, grant_word_list_for.list);
	INSERT INTO casesync_internal.word_list_grant (list, role)
	VALUES (grant_word_list_for.list, casesync_internal.role_name(grant_word_list_for.role))
	ON CONFLICT DO NOTHING;
	PERFORM casesync_internal.audit_note('grant_word_list', grant_word_list_for.list,
		jsonb_build_object('role', casesync_internal.role_name(grant_word_list_for.role)));
	RETURN format('role %s may change the words of list %s', grant_word_list_for.role,
		grant_word_list_for.list);
END
$$;
COMMENT ON FUNCTION casesync_internal.grant_word_list_for(regrole, text, regrole) IS
	'see casesync.grant_word_list()';

CREATE OR REPLACE FUNCTION casesync.grant_word_list(list text, role regrole)
RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'casesync_known_caller';
COMMENT ON FUNCTION casesync.grant_word_list(text, regrole) IS
	'let another role change the words of a list of one''s own';

CREATE OR REPLACE FUNCTION casesync_internal.revoke_word_list_for(caller regrole, list text,
	role regrole)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM casesync_internal.word_list_must_be_own(caller, list);
	DELETE FROM casesync_internal.word_list_grant g
	 WHERE g.list = revoke_word_list_for.list
	   AND g.role = casesync_internal.role_name(revoke_word_list_for.role);
	PERFORM casesync_internal.audit_note('revoke_word_list', list,
		jsonb_build_object('role', casesync_internal.role_name(role)));
	RETURN format('role %s may no longer change the words of list %s, unless it has the rights of '
		'its owner', role, list);
END
$$;
COMMENT ON FUNCTION casesync_internal.revoke_word_list_for(regrole, text, regrole) IS
	'see casesync.revoke_word_list()';

CREATE OR REPLACE FUNCTION casesync.revoke_word_list(list text, role regrole)
RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'casesync_known_caller';
COMMENT ON FUNCTION casesync.revoke_word_list(text, regrole) IS
	'take back what grant_word_list() gave';

/* As ALTER … OWNER TO: to a role whose rights one has. */
CREATE OR REPLACE FUNCTION casesync_internal.own_word_list_for(caller regrole, list text,
	role regrole)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	new_owner name := casesync_internal.role_name(own_word_list_for.role);
BEGIN
	PERFORM casesync_internal.word_list_must_be_own(caller, own_word_list_for.list);
	IF NOT casesync_internal.acts_as(caller, new_owner) THEN
		PERFORM casesync_internal.raise_error(errcode => 'insufficient_privilege',
			message => format('must have the rights of role "%s" to give it a list', new_owner),
			hint => format('SELECT casesync.own_word_list(%L, %L);  -- as a superuser',
				own_word_list_for.list, new_owner));
	END IF;
	INSERT INTO casesync_internal.word_list (list, owner)
	VALUES (own_word_list_for.list, new_owner)
	ON CONFLICT (list) DO UPDATE SET owner = excluded.owner;
	PERFORM casesync_internal.audit_note('own_word_list', own_word_list_for.list,
		jsonb_build_object('role', new_owner));
	RETURN format('list %s belongs to role %s', own_word_list_for.list, own_word_list_for.role);
END
$$;
COMMENT ON FUNCTION casesync_internal.own_word_list_for(regrole, text, regrole) IS
	'see casesync.own_word_list()';

CREATE OR REPLACE FUNCTION casesync.own_word_list(list text, role regrole)
RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'casesync_known_caller';
COMMENT ON FUNCTION casesync.own_word_list(text, regrole) IS
	'give a list of one''s own another owner';

CREATE OR REPLACE VIEW casesync.word_lists AS
	SELECT n.list, l.owner,
		ARRAY(SELECT g.role FROM casesync_internal.word_list_grant g
			WHERE g.list = n.list ORDER BY g.role) AS granted,
		(SELECT count(*) FROM casesync_internal.crosswalk_word w WHERE w.list = n.list) AS words
	  FROM (SELECT DISTINCT w.list FROM casesync_internal.crosswalk_word w
			UNION SELECT o.list FROM casesync_internal.word_list o) n
	  LEFT JOIN casesync_internal.word_list l ON l.list = n.list;
COMMENT ON VIEW casesync.word_lists IS 'lists of local words, and who may change them';
COMMENT ON COLUMN casesync.word_lists.list IS 'its name';
COMMENT ON COLUMN casesync.word_lists.owner IS
	'the role whose it is; NULL: nobody''s, only a superuser can say whose';
COMMENT ON COLUMN casesync.word_lists.granted IS 'other roles that may change it';
COMMENT ON COLUMN casesync.word_lists.words IS 'how many words it has';
