/* What people call to write a configuration: done by the room it belongs to, and then reviewed. */
/* With the caller's rights: planning the view runs functions of it. */
CREATE OR REPLACE FUNCTION casesync.publish(registry text, view regclass, record_type text,
	reg_type text DEFAULT 'ESS', key name DEFAULT 'subject_key', record name DEFAULT 'record')
RETURNS SETOF casesync.problem
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	r casesync_internal.registry;
BEGIN
	r.registry := registry;
	r.view := view;
	r.record_type := record_type;
	r.reg_type := casesync_internal.plain_name(reg_type);
	r.key_column := key;
	r.record_column := record;
	PERFORM casesync_internal.publish_check(r);
	PERFORM casesync_internal.publish_store(r);
	PERFORM casesync_internal.registry_warn(registry);
	r.key_type := casesync_internal.publish_column(view, key, 'subject key');
	RETURN QUERY SELECT * FROM casesync_internal.publish_warnings(r);
END
$$;
COMMENT ON FUNCTION casesync.publish(text, regclass, text, text, name, name) IS
	'make a view of one''s own a registry, or change how; returns what to look at, errors raise';

/* No search_path of its own: the key, condition and subjects are read in the caller's. */
CREATE OR REPLACE FUNCTION casesync.track(relation regclass, registries text[], key text,
	on_insert text DEFAULT NULL, on_update text DEFAULT NULL, on_delete text DEFAULT NULL,
	columns name[] DEFAULT NULL, ignore name[] DEFAULT NULL, condition text DEFAULT NULL,
	subjects text DEFAULT NULL, replicated boolean DEFAULT false)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
AS $$
DECLARE
	t casesync_internal.tracking;
BEGIN
	t := casesync_internal.track_with(pg_catalog.current_setting('search_path'), relation,
		registries, key, on_insert, on_update, on_delete, columns, ignore, condition, subjects,
		replicated);
	RETURN pg_catalog.concat(casesync_internal.track_said(t),
		casesync_internal.tracking_warn(t.id));
END
$$;
COMMENT ON FUNCTION casesync.track(regclass, text[], text, text, text, text, name[], name[], text,
	text, boolean) IS
	'records changes of a table from now on; says which columns count';

CREATE OR REPLACE FUNCTION casesync_internal.set_agreement_for(caller regrole, agreement text,
	partner text, direction text, registries text[], event_types text[], fields text[],
	filter_fields text[], identifier_types text[], subjects text, services text[],
	apply_mode text, valid_from timestamptz, valid_to timestamptz, purpose text,
	legal_basis text, document_uri text, document_sha256 bytea, must_encrypt boolean,
	subscribing text, initial_state boolean, on_leave text, lookups_per_day integer)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	wanted casesync_internal.agreement;
	a casesync_internal.agreement;
BEGIN
	wanted.agreement := agreement;
	wanted.partner := partner;
	wanted.direction := direction;
	wanted.registries := registries;
	wanted.event_types := event_types;
	wanted.fields := fields;
	wanted.filter_fields := filter_fields;
	wanted.identifier_types := identifier_types;
	wanted.subjects := subjects;
	wanted.services := services;
	wanted.apply_mode := apply_mode;
	wanted.valid_from := valid_from;
	wanted.valid_to := valid_to;
	wanted.purpose := purpose;
	wanted.legal_basis := legal_basis;
	wanted.document_uri := document_uri;
	wanted.document_sha256 := document_sha256;
	wanted.must_encrypt := must_encrypt;
	wanted.subscribing := subscribing;
	wanted.initial_state := initial_state;
	wanted.on_leave := on_leave;
	wanted.lookups_per_day := lookups_per_day;
	wanted.written_as := casesync_internal.lent_by(caller);
	a := casesync_internal.agreement_draft(wanted);
	PERFORM casesync_internal.agreement_warn(a);
	RETURN casesync_internal.agreement_said(a);
END
$$;
COMMENT ON FUNCTION casesync_internal.set_agreement_for(regrole, text, text, text, text[], text[],
	text[], text[], text[], text, text[], text, timestamptz, timestamptz, text, text, text, bytea,
	boolean, text, boolean, text, integer) IS
	'see casesync.set_agreement()';

CREATE OR REPLACE FUNCTION casesync.set_agreement(agreement text, partner text,
	direction text DEFAULT 'out', registries text[] DEFAULT NULL, event_types text[] DEFAULT NULL,
	fields text[] DEFAULT NULL, filter_fields text[] DEFAULT NULL,
	identifier_types text[] DEFAULT NULL, subjects text DEFAULT NULL, services text[] DEFAULT NULL,
	apply_mode text DEFAULT NULL, valid_from timestamptz DEFAULT NULL,
	valid_to timestamptz DEFAULT NULL, purpose text DEFAULT NULL, legal_basis text DEFAULT NULL,
	document_uri text DEFAULT NULL, document_sha256 bytea DEFAULT NULL,
	must_encrypt boolean DEFAULT NULL, subscribing text DEFAULT NULL,
	initial_state boolean DEFAULT NULL, on_leave text DEFAULT NULL,
	lookups_per_day integer DEFAULT NULL)
RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'casesync_known_caller';
COMMENT ON FUNCTION casesync.set_agreement(text, text, text, text[], text[], text[], text[], text[],
	text, text[], text, timestamptz, timestamptz, text, text, text, bytea, boolean, text, boolean,
	text, integer) IS
	'write a new version (a draft) of an agreement; parameters left out are as in the version '
	'before';

CREATE OR REPLACE FUNCTION casesync_internal.activate_for(caller regrole, agreement text,
	version integer)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	a constant casesync_internal.agreement :=
		casesync_internal.agreement_activate(caller, agreement, version);
BEGIN
	PERFORM casesync_internal.agreement_warn(a);
	RETURN casesync_internal.agreement_said(a);
END
$$;
COMMENT ON FUNCTION casesync_internal.activate_for(regrole, text, integer) IS
	'see casesync.activate()';

CREATE OR REPLACE FUNCTION casesync.activate(agreement text, version integer DEFAULT NULL)
RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'casesync_known_caller';
COMMENT ON FUNCTION casesync.activate(text, integer) IS
	'the newest version counts from now, by someone else than its author; with a version: only if '
	'it is that one';
