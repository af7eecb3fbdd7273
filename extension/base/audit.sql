/* What administrators did: one row a call, never changed. */
/*
 * In the caller's transaction: what was rolled back was not done. who is the login, not the role.
 * What an administrator was told that it is done stays done: sharing that was stopped, too.
 */
CREATE OR REPLACE FUNCTION casesync_internal.audit_note(what text, about text,
	detail jsonb DEFAULT NULL)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT casesync_internal.commit_durably();
	INSERT INTO casesync_internal.audit_entry (what, about, detail) VALUES (what, about, detail)
$$;
COMMENT ON FUNCTION casesync_internal.audit_note(text, text, jsonb) IS
	'write one line of the audit; called by the administrative functions';

/* For who has to show later that it was noted: what was rolled back has no line. */
CREATE OR REPLACE FUNCTION casesync_internal.audit_line(what text, about text, detail jsonb)
RETURNS bigint
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT casesync_internal.commit_durably();
	INSERT INTO casesync_internal.audit_entry (what, about, detail) VALUES (what, about, detail)
	RETURNING id
$$;
COMMENT ON FUNCTION casesync_internal.audit_line(text, text, jsonb) IS
	'as audit_note(); returns the number of the line';

CREATE OR REPLACE FUNCTION casesync_internal.audit_says(line bigint, what text, about text,
	detail jsonb)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT EXISTS (SELECT FROM casesync_internal.audit_entry e WHERE e.id = line
		AND e.what = audit_says.what AND e.about = audit_says.about
		AND e.detail = audit_says.detail)
$$;
COMMENT ON FUNCTION casesync_internal.audit_says(bigint, text, text, jsonb) IS
	'whether a line of the audit says this';

/* Rights would not do: the functions that write the audit run as its owner, who has them all. */
CREATE OR REPLACE FUNCTION casesync_internal.refuse_change()
RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM casesync_internal.raise_error(errcode => 'restrict_violation',
		message => format('%s is append-only', TG_RELID::regclass));
END
$$;
COMMENT ON FUNCTION casesync_internal.refuse_change() IS 'trigger of append-only tables';

CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE ON casesync_internal.audit_entry
	FOR EACH ROW EXECUTE FUNCTION casesync_internal.refuse_change();

CREATE OR REPLACE VIEW casesync.audit AS
	SELECT e.id, e.at, e.who, e.what, e.about, e.detail FROM casesync_internal.audit_entry e;
COMMENT ON VIEW casesync.audit IS 'administrative calls';
COMMENT ON COLUMN casesync.audit.id IS 'number of the entry';
COMMENT ON COLUMN casesync.audit.at IS 'when';
COMMENT ON COLUMN casesync.audit.who IS 'the login';
COMMENT ON COLUMN casesync.audit.what IS 'the function that was called';
COMMENT ON COLUMN casesync.audit.about IS 'the partner, agreement or other thing that it was about';
COMMENT ON COLUMN casesync.audit.detail IS 'what else it was given';
