/* Whose word on a field counts, whatever is newer. */

/* The longest path that leads to the field. */
CREATE OR REPLACE FUNCTION casesync_internal.authority_of(registry text, field text)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT a.owner FROM casesync_internal.authority a
	 WHERE a.registry = authority_of.registry
	   AND (a.field = authority_of.field OR authority_of.field ^@ (a.field || '.'))
	 ORDER BY length(a.field) DESC LIMIT 1
$$;
COMMENT ON FUNCTION casesync_internal.authority_of(text, text) IS
	'the system whose word on a field counts; NULL: the newest counts';

CREATE OR REPLACE FUNCTION casesync.set_authority(registry text, field text, owner text)
RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	us constant text := (casesync_internal.this_node()).sender_id;
BEGIN
	PERFORM casesync_internal.require_registry(registry);
	IF casesync.is_field_path(field) IS NOT TRUE THEN
		PERFORM casesync_internal.raise_error(errcode => 'invalid_parameter_value',
			message => format('%L is no path to a field', field),
			detail => 'Names joined by dots, as in an agreement''s fields.',
			hint => format('SELECT casesync.set_authority(%L, ''employment_status'', %L);',
				registry, us));
	END IF;
	IF owner IS NULL THEN
		DELETE FROM casesync_internal.authority a
		 WHERE a.registry = set_authority.registry AND a.field = set_authority.field;
	ELSE
		IF owner <> us THEN
			PERFORM casesync_internal.require_partner(owner);
		END IF;
		INSERT INTO casesync_internal.authority (registry, field, owner)
		VALUES (registry, field, owner)
		ON CONFLICT ON CONSTRAINT authority_pkey DO UPDATE
			SET owner = excluded.owner, set_by = excluded.set_by, at = excluded.at;
	END IF;
	PERFORM casesync_internal.audit_note('set_authority', registry,
		jsonb_build_object('field', field, 'owner', owner));
	RETURN CASE WHEN owner IS NULL
			THEN format('of %s in registry %s the newest counts', field, registry)
		WHEN owner = us THEN format('of %s in registry %s what we say counts', field, registry)
		ELSE format('of %s in registry %s what %s says counts', field, registry, owner) END;
END
$$;
COMMENT ON FUNCTION casesync.set_authority(text, text, text) IS
	'whose word on a field of a registry counts: this node''s sender_id or a partner; NULL: the '
	'newest counts';

CREATE OR REPLACE VIEW casesync.authorities AS
	SELECT a.registry, a.field, a.owner, a.set_by, a.at FROM casesync_internal.authority a;
COMMENT ON VIEW casesync.authorities IS
	'fields on which one system''s word counts; on others the newest does';
COMMENT ON COLUMN casesync.authorities.registry IS 'the registry of ours';
COMMENT ON COLUMN casesync.authorities.field IS 'the path of the field, and of all below it';
COMMENT ON COLUMN casesync.authorities.owner IS 'this node, or the partner whose word counts';
COMMENT ON COLUMN casesync.authorities.set_by IS 'the login that said so';
COMMENT ON COLUMN casesync.authorities.at IS 'when it was said';
